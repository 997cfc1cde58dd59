"""The compiled configuration that the control plane itself decides by."""

from __future__ import annotations

import asyncio
from pathlib import Path

from tests.control.running import GATEWAYS, Running, running

from tameflare.control.services.compiled import TRUSTED_SECONDS
from tameflare.control.store import gateways, meta
from tameflare.control.store.engine import Connection
from tameflare.core.compile import CompiledConfiguration
from tameflare.core.decision import EnforcementLevel


def newest(server: Running) -> CompiledConfiguration:
    return server.call(server.services.compiled.get())


def test_whoever_changed_something_finds_the_change_and_nobody_else_costs_anything(tmp_path: Path) -> None:
    with running(tmp_path) as server:
        owner = server.owner()
        for number in range(6):
            owner.post(GATEWAYS, json={"name": f"gateway-{number}"})
            assert f"gateway-{number}" in {gateway.name for gateway in newest(server).gateways.values()}
        owner.post("/api/v1/kill-switch", json={"active": True, "scope": "gateway:gateway-3", "reason": "drill"})
        made = newest(server)
        assert [gateway.name for gateway in made.gateways.values() if gateway.killed_by] == ["gateway-3"]
        server.clock.now += 10 * TRUSTED_SECONDS
        assert newest(server) is made

        async def together() -> list[CompiledConfiguration]:
            return await asyncio.gather(*(server.services.compiled.get() for _ in range(8)))

        owner.delete(f"{GATEWAYS}/gateway-3")
        found = server.call(together())
        assert all(one is found[0] for one in found)
        assert found[0] is not made


def test_what_another_server_changed_is_found_within_half_a_second(tmp_path: Path) -> None:
    with running(tmp_path) as server:
        server.owner().post(GATEWAYS, json={"name": "main"})
        server.services.database.write_now(lambda _: None)  # everybody has been told of the gateway
        (before,) = newest(server).gateways.values()

        def elsewhere(connection: Connection) -> None:
            gateways.change(connection, before.id, {"level": "monitor"})
            meta.bump(connection, 0)

        server.services.database.write_now(elsewhere)
        assert newest(server).gateways[before.id] is before
        server.clock.now += TRUSTED_SECONDS
        assert newest(server).gateways[before.id].level is EnforcementLevel.MONITOR
