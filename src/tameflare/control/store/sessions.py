"""Log-ins in the browser, by the digest of what the cookie holds."""

from __future__ import annotations

import msgspec
from sqlalchemy import Connection, delete, insert, or_, select, update

from tameflare.control.store.rows import columns, one
from tameflare.control.store.tables import sessions
from tameflare.core.roles import Role


class Session(msgspec.Struct, frozen=True):
    """`role` is the one that its user had at log-in. Times in Unix seconds."""

    id: str
    user_id: str
    digest: str
    role: Role
    created_at: int
    seen_at: int


def add(connection: Connection, session: Session) -> None:
    connection.execute(insert(sessions).values(**columns(session)))


def by_digest(connection: Connection, digest: str) -> Session | None:
    return one(connection, select(sessions).where(sessions.c.digest == digest), Session)


def touch(connection: Connection, session_id: str, now: int) -> None:
    connection.execute(update(sessions).where(sessions.c.id == session_id).values(seen_at=now))


def remove(connection: Connection, session_id: str) -> None:
    connection.execute(delete(sessions).where(sessions.c.id == session_id))


def remove_of_user(connection: Connection, user_id: str) -> int:
    """How many sessions that user had."""
    return connection.execute(delete(sessions).where(sessions.c.user_id == user_id)).rowcount


def purge(connection: Connection, created_before: int, seen_before: int) -> None:
    """Drop what began before the one time, or was last seen before the other."""
    over = or_(sessions.c.created_at < created_before, sessions.c.seen_at < seen_before)
    connection.execute(delete(sessions).where(over))
