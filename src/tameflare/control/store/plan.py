"""What a plan's limits count: agents, and the actions of a month."""

from __future__ import annotations

from typing import Final

from sqlalchemy import Connection, func, select

from tameflare.control.store.actions_schema import action_requests
from tameflare.control.store.plan_schema import plan_use
from tameflare.control.store.tables import agents
from tameflare.control.store.traffic_schema import COMPLETE, Tables
from tameflare.control.store.upsert import insert
from tameflare.core.config import AgentStatus
from tameflare.core.decision import Reason

_NAMED: Final = "parts = ? AND action <> '' AND id > ?"


def agent_count(connection: Connection) -> int:
    """Agents of all gateways but those that were revoked."""
    living = agents.c.status != AgentStatus.REVOKED.value
    return connection.execute(select(func.count()).select_from(agents).where(living)).scalar_one()


def used(connection: Connection, month: str, begins: int) -> int:
    """How many actions the decision API recorded in a month, which began at `begins` (Unix seconds). The first question
    of a month counts them; from then on `use` keeps the number."""
    found = connection.execute(select(plan_use.c.actions).where(plan_use.c.month == month)).scalar()
    if found is not None:
        return int(found)
    counting = (action_requests.c.created_at >= begins, action_requests.c.reason != Reason.RATE_LIMITED.value)
    recorded = select(func.count()).select_from(action_requests).where(*counting)
    return connection.execute(recorded).scalar_one()


def use(connection: Connection, month: str, actions: int) -> None:
    """Note the number."""
    statement = insert(connection, plan_use).values(month=month, actions=actions)
    connection.execute(
        statement.on_conflict_do_update(index_elements=["month"], set_={"actions": statement.excluded.actions})
    )


def forget(connection: Connection) -> None:
    """No limit asks any more; where one is set again, the months are counted anew."""
    connection.execute(plan_use.delete())


def named(tables: Tables, table: str, after: int) -> tuple[int, int]:
    """How many named requests of a month's record ended after row `after`, and the last of these rows."""
    if table not in tables.months():
        return 0, after
    question = f"SELECT count(*), max(id) FROM {table} WHERE {_NAMED}"  # noqa: S608 - our own table and column names
    count, last = tables.execute(question, (COMPLETE, after)).fetchone()
    return count, last or after
