"""Access rules; one per connector, pattern and effect."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import msgspec
from sqlalchemy import Connection, Row, Select, delete, select

from tameflare.control.store.rows import among
from tameflare.control.store.tables import connectors, rules
from tameflare.control.store.upsert import insert
from tameflare.core.access import AccessRule
from tameflare.core.action import Effect
from tameflare.core.approval import Requirement
from tameflare.core.decision import Verdict


class NewRule(msgspec.Struct, frozen=True):
    id: str
    gateway_id: str
    connector_id: str
    pattern: str
    decision: Verdict
    effect: Effect | None
    created_at: int
    approval: Requirement | None = None


def put(connection: Connection, rule: NewRule) -> str:
    """Store a rule; where one for the same connector, pattern and effect exists, it is changed. Returns the id."""
    terms = None if rule.approval is None else msgspec.to_builtins(rule.approval)
    said = {"decision": rule.decision.value, "approval": terms}
    values = msgspec.structs.asdict(rule) | said | {"effect": rule.effect or ""}
    statement = insert(connection, rules).values(**values)
    upsert = statement.on_conflict_do_update(index_elements=["connector_id", "pattern", "effect"], set_=said)
    stored: str = connection.execute(upsert.returning(rules.c.id)).scalar_one()
    return stored


def of_gateway(connection: Connection, gateway_id: str) -> list[AccessRule]:
    """Ordered by connector and pattern."""
    return [_rule(row) for row in connection.execute(_joined().where(rules.c.gateway_id == gateway_id))]


def of_gateways(connection: Connection, gateway_ids: Sequence[str] | None) -> list[tuple[str, AccessRule]]:
    """Each with the id of its gateway, in the same order."""
    found = connection.execute(among(_joined(), rules.c.gateway_id, gateway_ids))
    return [(row.gateway_id, _rule(row)) for row in found]


def _rule(row: Row[Any]) -> AccessRule:
    return AccessRule(
        row.id,
        row.connector,
        row.pattern,
        Verdict(row.decision),
        Effect(row.effect) if row.effect else None,
        None if row.approval is None else msgspec.convert(row.approval, Requirement),
    )


def _joined() -> Select[Any]:
    query = select(rules, connectors.c.name.label("connector")).join(
        connectors, connectors.c.id == rules.c.connector_id
    )
    return query.order_by(connectors.c.name, rules.c.pattern, rules.c.effect)


def remove(connection: Connection, gateway_id: str, rule_id: str) -> bool:
    """Whether that gateway had such a rule."""
    wanted = (rules.c.id == rule_id) & (rules.c.gateway_id == gateway_id)
    return connection.execute(delete(rules).where(wanted)).rowcount > 0


def remove_all(connection: Connection, gateway_id: str, connector_id: str | None = None) -> None:
    """The rules of one connector, or of the whole gateway."""
    wanted = rules.c.gateway_id == gateway_id
    if connector_id is not None:
        wanted = wanted & (rules.c.connector_id == connector_id)
    connection.execute(delete(rules).where(wanted))
