"""A configuration is read with so many queries, however many gateways there are."""

from __future__ import annotations

from pathlib import Path

from sqlalchemy import event
from tests.control.running import GATEWAYS, running

from tameflare.control.services.parts import Parts
from tameflare.control.store import gateways
from tameflare.control.store.engine import Connection
from tameflare.core.config import GatewayConfig


def read(connection: Connection, wanted: list[str] | None) -> tuple[int, list[GatewayConfig]]:
    """How many queries it took, and what was read."""
    queries: list[str] = []

    def count(*execution: object) -> None:
        queries.append(str(execution[2]))

    listed = [one for one in gateways.listed(connection) if wanted is None or one.id in wanted]
    event.listen(connection, "before_cursor_execute", count)
    try:
        parts = Parts(connection, wanted, 0)
        found = [parts.config(gateway) for gateway in listed]
    finally:
        event.remove(connection, "before_cursor_execute", count)
    return len(queries), found


def test_the_number_of_queries_does_not_grow_with_the_gateways(tmp_path: Path) -> None:
    with running(tmp_path) as server:
        owner = server.owner()
        for number in range(12):
            name = f"gateway-{number:02}"
            owner.post(GATEWAYS, json={"name": name})
            owner.post(f"{GATEWAYS}/{name}/tokens", json={})
            owner.post(f"{GATEWAYS}/{name}/connectors", json={"type": "github", "secret": f"ghp_{number}"})
            rule = {"connector": "github", "pattern": f"github.pr.{number}", "decision": "deny"}
            owner.post(f"{GATEWAYS}/{name}/rules", json=rule)
        database = server.services.database
        queries, everything = database.read_now(lambda connection: read(connection, None))
        some = [everything[3].id, everything[7].id]
        of_some, two = database.read_now(lambda connection: read(connection, some))
        none, nothing = database.read_now(lambda connection: read(connection, []))
    assert queries == of_some == none == 6
    assert [gateway.rules[0].pattern for gateway in everything] == [f"github.pr.{number}" for number in range(12)]
    assert all((len(one.tokens), len(one.connectors), len(one.agents)) == (1, 1, 1) for one in everything)
    assert two == [everything[3], everything[7]]
    assert nothing == []
