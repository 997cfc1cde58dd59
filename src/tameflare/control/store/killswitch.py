"""Kill switches that are on."""

from __future__ import annotations

from sqlalchemy import Connection, delete, select

from tameflare.control.store.rows import columns, every
from tameflare.control.store.tables import kill_switches
from tameflare.control.store.upsert import insert
from tameflare.core.killswitch import KillSwitch, ScopeKind


class ThrownSwitch(KillSwitch, frozen=True, kw_only=True):
    """`since` in Unix seconds; `by` names the person."""

    since: int
    by: str


def put(connection: Connection, switch: ThrownSwitch) -> None:
    """Switch a scope on; where it is on already, the first word stands."""
    statement = insert(connection, kill_switches).values(**columns(switch))
    connection.execute(statement.on_conflict_do_nothing(index_elements=["kind", "target"]))


def listed(connection: Connection) -> list[ThrownSwitch]:
    return every(connection, select(kill_switches).order_by(kill_switches.c.since), ThrownSwitch)


def remove(connection: Connection, kind: ScopeKind, target: str) -> bool:
    """Whether the scope was on."""
    wanted = (kill_switches.c.kind == kind.value) & (kill_switches.c.target == target)
    return connection.execute(delete(kill_switches).where(wanted)).rowcount > 0
