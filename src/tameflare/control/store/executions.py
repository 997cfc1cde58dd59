"""Actions that a proxy is to carry out, or carries out: at most one row for each, gone when its outcome was told.

What an upstream answered stands here, sealed, only until whoever asked for it has it.
"""

from __future__ import annotations

from enum import StrEnum
from typing import Final

import msgspec
from sqlalchemy import Column, Connection, Integer, String, Table, delete, func, insert, select, update

from tameflare.control.store.engine import touch
from tameflare.control.store.rows import columns, every, one
from tameflare.control.store.tables import metadata

TOPIC: Final = "executions"

# `action_id` is unique: nobody carries out what somebody else has in hand. `answer` is sealed.
executions = Table(
    "executions",
    metadata,
    Column("id", String, primary_key=True),
    Column("action_id", String, nullable=False, unique=True),
    Column("gateway_id", String, nullable=False),
    Column("status", String, nullable=False),
    Column("configuration", Integer, nullable=False),
    Column("created_at", Integer, nullable=False),
    Column("deadline", Integer, nullable=False),
    Column("proxy_id", String),
    Column("request_id", String),
    Column("epoch", String),
    Column("answer", String),
)


class Stage(StrEnum):
    """`queued`: any proxy may claim it; `claimed`: one did, and may have sent it; `done`: its end is known."""

    QUEUED = "queued"
    CLAIMED = "claimed"
    DONE = "done"


class Execution(msgspec.Struct, frozen=True):
    """`configuration` is the version that a proxy must have at least; `deadline`, in Unix seconds, is when it counts as
    lost. `epoch` names the life of the proxy that claimed it, `request_id` the record of the request that it sent."""

    id: str
    action_id: str
    gateway_id: str
    status: Stage
    configuration: int
    created_at: int
    deadline: int
    proxy_id: str | None = None
    request_id: str | None = None
    epoch: str | None = None
    answer: str | None = None


def add(connection: Connection, execution: Execution) -> None:
    """Raises Conflict where the action is in somebody's hands."""
    connection.execute(insert(executions).values(**columns(execution)))
    touch(connection, TOPIC)


def by_id(connection: Connection, execution_id: str) -> Execution | None:
    return one(connection, select(executions).where(executions.c.id == execution_id), Execution)


def claim(connection: Connection, execution_id: str, proxy_id: str, request_id: str, epoch: str) -> bool:
    """Whether it was still to be had, and now is this proxy's."""
    free = (executions.c.id == execution_id) & (executions.c.status == Stage.QUEUED.value)
    values = {"status": Stage.CLAIMED.value, "proxy_id": proxy_id, "request_id": request_id, "epoch": epoch}
    return connection.execute(update(executions).where(free).values(**values)).rowcount == 1


def finish(connection: Connection, execution_id: str, answer: str) -> None:
    """Its end is known; whoever waits for it is told."""
    done = {"status": Stage.DONE.value, "answer": answer}
    connection.execute(update(executions).where(executions.c.id == execution_id).values(**done))
    touch(connection, TOPIC)


def lose(connection: Connection, execution_id: str, keep_until: int) -> None:
    """Its end is not known; should it be told after all, that is believed until `keep_until`, in Unix seconds."""
    lost = {"status": Stage.DONE.value, "answer": None, "deadline": keep_until}
    connection.execute(update(executions).where(executions.c.id == execution_id).values(**lost))
    touch(connection, TOPIC)


def withdraw(connection: Connection, execution_id: str) -> bool:
    """Whether nobody had claimed it, and nobody will."""
    free = (executions.c.id == execution_id) & (executions.c.status == Stage.QUEUED.value)
    return connection.execute(delete(executions).where(free)).rowcount == 1


def remove(connection: Connection, execution_id: str) -> None:
    connection.execute(delete(executions).where(executions.c.id == execution_id))


def overdue(connection: Connection, now: int) -> list[Execution]:
    """Those whose deadline has passed."""
    return every(connection, select(executions).where(executions.c.deadline <= now), Execution)


def next_deadline(connection: Connection) -> int | None:
    """Unix seconds, if there is anything."""
    found: int | None = connection.scalar(select(func.min(executions.c.deadline)))
    return found


def claimed_by(connection: Connection, proxy_id: str) -> list[Execution]:
    """Those that a proxy has in hand."""
    return [found for found in untold(connection, proxy_id) if found.status is Stage.CLAIMED]


def untold(connection: Connection, proxy_id: str) -> list[Execution]:
    """Those that a proxy has in hand, or had before they were lost."""
    mine = (executions.c.proxy_id == proxy_id) & executions.c.answer.is_(None)
    return every(connection, select(executions).where(mine), Execution)
