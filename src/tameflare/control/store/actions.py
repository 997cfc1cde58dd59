"""Actions that agents asked for by the decision API, as rows: each is one durable record of one request."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

import msgspec
from sqlalchemy import Connection, Select, and_, delete, func, insert, select, update

from tameflare.control.store.actions_schema import action_requests
from tameflare.control.store.approvals_schema import approvals
from tameflare.control.store.engine import touch
from tameflare.control.store.rows import every, one
from tameflare.core.action_states import READY, ActionState, ActionStatus
from tameflare.core.agent_keys import KeyKind
from tameflare.core.approval_states import Status
from tameflare.core.decision import Verdict

TOPIC: Final = "actions"
"""Touched by each change of an action that exists, never by a new one."""
_READY: Final = sorted(status.value for status in READY)


class StoredAction(ActionState, frozen=True, kw_only=True):
    """One request for a decision. `gateway` and `agent` are names as they were; `connector` is the name of the instance
    that would carry it out; `decision` is the effective verdict, `would_be` that of `full_enforce`, `enforced` whether
    they are the same. `matched` are the rules that determined it, as core.decision.Decision has them.
    """

    id: str
    gateway_id: str
    gateway: str
    agent_id: str
    agent: str
    key_id: str
    kind: KeyKind
    connector: str
    type: str
    resource: dict[str, Any]
    parameters: dict[str, Any]
    risk_hints: dict[str, Any]
    risk: str
    effect: str
    spec_hash: str
    body_hash: str
    decision: Verdict
    would_be: Verdict
    enforced: bool
    risk_score: int
    matched: tuple[str, ...]
    configuration: int
    created_at: int
    webhook_url: str = ""
    approval_id: str | None = None
    idempotency_key: str | None = None


# --- reading ----------------------------------------------------------------------------------------------------------


def by_id(connection: Connection, action_id: str) -> StoredAction | None:
    return one(connection, select(action_requests).where(action_requests.c.id == action_id), StoredAction)


def of_agent(connection: Connection, agent_id: str, action_id: str) -> StoredAction | None:
    """The action, if it is this agent's."""
    mine = and_(action_requests.c.id == action_id, action_requests.c.agent_id == agent_id)
    return one(connection, select(action_requests).where(mine), StoredAction)


def page(connection: Connection, before: str | None, limit: int, **wanted: str | None) -> list[StoredAction]:
    """Newest first; `before` is the id of the last one seen, `wanted` the values of columns, None: any."""
    query = select(action_requests).order_by(action_requests.c.id.desc()).limit(limit)
    for name, value in wanted.items():
        if value is not None:
            query = query.where(action_requests.c[name] == value)
    if before is not None:
        query = query.where(action_requests.c.id < before)
    return every(connection, query, StoredAction)


def with_keys(connection: Connection, wanted: Sequence[tuple[str, str | None]]) -> list[StoredAction]:
    """The actions that were asked for with these pairs of agent and idempotency key."""
    table = action_requests.c
    agents, keys = {agent for agent, _ in wanted}, [key for _, key in wanted]
    query = select(action_requests).where(table.agent_id.in_(agents), table.idempotency_key.in_(keys))
    pairs = set(wanted)
    return [one for one in every(connection, query, StoredAction) if (one.agent_id, one.idempotency_key) in pairs]


def answered(connection: Connection, limit: int) -> list[StoredAction]:
    """Those that wait for people although their approval is no longer pending."""
    waiting = action_requests.c.status == ActionStatus.PENDING_APPROVAL.value
    over = approvals.c.status != Status.PENDING.value
    query = select(action_requests).join(approvals, approvals.c.id == action_requests.c.approval_id)
    return every(
        connection, query.where(waiting, over).order_by(action_requests.c.id.desc()).limit(limit), StoredAction
    )


def next_end(connection: Connection) -> int | None:
    """When the next of those that may be carried out ends by itself."""
    ready = action_requests.c.status.in_(_READY)
    found: int | None = connection.scalar(select(func.min(action_requests.c.expires_at)).where(ready))
    return found


def due(connection: Connection, now: int, limit: int) -> list[str]:
    """The ids of those that nobody carried out in time, the oldest first."""
    return list(connection.execute(_due(now, limit)).scalars())


def due_approved(connection: Connection, now: int, limit: int) -> list[StoredAction]:
    """Those that people agreed to and that nobody carried out in time; the oldest of all that are over."""
    query = select(action_requests).where(action_requests.c.id.in_(_due(now, limit)))
    return every(connection, query.where(action_requests.c.approval_id.is_not(None)), StoredAction)


def _due(now: int, limit: int) -> Select[Any]:
    """The ids of those that may be carried out no longer, oldest first."""
    ready = and_(action_requests.c.status.in_(_READY), action_requests.c.expires_at <= now)
    return select(action_requests.c.id).where(ready).order_by(action_requests.c.expires_at).limit(limit)


# --- writing ----------------------------------------------------------------------------------------------------------


def add(connection: Connection, found: Sequence[StoredAction]) -> None:
    """Raises Conflict where an agent has used an idempotency key already."""
    if found:
        connection.execute(insert(action_requests), [_row(action) for action in found])


def put(connection: Connection, action: StoredAction) -> None:
    """Store what became of an action that exists, and tell whoever waits for it."""
    values = {
        "status": action.status.value,
        "reason": action.reason,
        "message": action.message,
        "changed_at": action.changed_at,
        "expires_at": action.expires_at,
        "taken_at": action.taken_at,
        "outcome": action.outcome,
    }
    connection.execute(update(action_requests).where(action_requests.c.id == action.id).values(**values))
    touch(connection, TOPIC)


def expire_due(connection: Connection, now: int, limit: int) -> int:
    """End those that nobody carried out in time, the oldest first; how many."""
    over = {"status": ActionStatus.EXPIRED.value, "changed_at": now, "expires_at": None}
    chosen = action_requests.c.id.in_(_due(now, limit))
    touch(connection, TOPIC)
    return connection.execute(update(action_requests).where(chosen).values(**over)).rowcount


def free_key(connection: Connection, action_id: str) -> None:
    """Let an idempotency key be used again; the action itself stays."""
    connection.execute(update(action_requests).where(action_requests.c.id == action_id).values(idempotency_key=None))


def remove_before(connection: Connection, moment: int, limit: int) -> int:
    """Delete the oldest of those that have ended and were asked for before `moment`, in Unix seconds; how many."""
    open_ = action_requests.c.status.in_([*_READY, ActionStatus.PENDING_APPROVAL.value])
    old = and_(action_requests.c.id < first_id(moment), ~open_)
    chosen = select(action_requests.c.id).where(old).order_by(action_requests.c.id).limit(limit)
    return connection.execute(delete(action_requests).where(action_requests.c.id.in_(chosen))).rowcount


def first_id(moment: float) -> str:
    """What is not above any id that was made from `moment` on, in Unix seconds: ids rise with time."""
    return f"act_{int(moment * 1000):012x}"


def _row(action: StoredAction) -> dict[str, Any]:
    row: dict[str, Any] = msgspec.structs.asdict(action)
    row["matched"] = list(action.matched)
    row["status"], row["kind"] = action.status.value, action.kind.value
    row["decision"], row["would_be"] = action.decision.value, action.would_be.value
    return row
