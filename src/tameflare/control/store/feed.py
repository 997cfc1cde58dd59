"""The ordered feed from the control plane to its proxies, as rows.

A row is a message, or a mark that the configuration changed: the snapshot itself is made when a proxy asks, because it
is sealed for that proxy. One mark, the newest, is enough. Cursors only grow and are never used twice.
"""

from __future__ import annotations

from typing import Final, NamedTuple

from sqlalchemy import Column, Connection, Index, Integer, LargeBinary, String, Table, delete, func, insert, or_, select

from tameflare.control.store.engine import touch
from tameflare.control.store.tables import metadata
from tameflare.control.store.upsert import insert as upsert

TOPIC: Final = "feed"
_CONFIGURATION: Final = "configuration"
_MESSAGE: Final = "message"

# `proxy_id` null: for every proxy. `body` is the JSON of a link message.
feed = Table(
    "feed",
    metadata,
    Column("cursor", Integer, primary_key=True, autoincrement=True),
    Column("kind", String, nullable=False),
    Column("proxy_id", String),
    Column("body", LargeBinary, nullable=False),
    Column("created_at", Integer, nullable=False),
    Index("ix_feed_kind", "kind"),
    sqlite_autoincrement=True,
)

# How far each proxy has come: it has everything up to and including `cursor`.
feed_positions = Table(
    "feed_positions",
    metadata,
    Column("proxy_id", String, primary_key=True),
    Column("cursor", Integer, nullable=False),
    Column("changed_at", Integer, nullable=False),
)


class Batch(NamedTuple):
    """What a proxy has not seen: messages (cursor, body) oldest first, the place of the newest configuration mark (0:
    none newer), the last cursor of the whole feed, and whether more messages follow."""

    messages: list[tuple[int, bytes]]
    configuration: int
    head: int
    more: bool


def append(connection: Connection, body: bytes, now: int, proxy_id: str | None = None) -> int:
    """Add a message (JSON of a link message) for one proxy or for all; returns its cursor."""
    return _insert(connection, _MESSAGE, body, now, proxy_id)


def append_configuration(connection: Connection, now: int) -> int:
    """Mark that every proxy needs a new snapshot; call it in the transaction of the change itself."""
    connection.execute(delete(feed).where(feed.c.kind == _CONFIGURATION))
    return _insert(connection, _CONFIGURATION, b"", now, None)


def _insert(connection: Connection, kind: str, body: bytes, now: int, proxy_id: str | None) -> int:
    row = {"kind": kind, "body": body, "created_at": now, "proxy_id": proxy_id}
    cursor = connection.execute(insert(feed).values(row)).inserted_primary_key
    assert cursor is not None
    touch(connection, TOPIC)
    return int(cursor[0])


def after(connection: Connection, proxy_id: str, cursor: int, limit: int) -> Batch:
    """What `proxy_id` has not seen after `cursor`."""
    mine = or_(feed.c.proxy_id.is_(None), feed.c.proxy_id == proxy_id)
    wanted = (
        select(feed.c.cursor, feed.c.body)
        .where(feed.c.kind == _MESSAGE, feed.c.cursor > cursor, mine)
        .order_by(feed.c.cursor)
        .limit(limit + 1)
    )
    rows = [(int(row.cursor), bytes(row.body)) for row in connection.execute(wanted)]
    mark = connection.scalar(
        select(func.max(feed.c.cursor)).where(feed.c.kind == _CONFIGURATION, feed.c.cursor > cursor)
    )
    head = connection.scalar(select(func.max(feed.c.cursor)))
    return Batch(rows[:limit], mark or 0, head or 0, len(rows) > limit)


def acknowledge(connection: Connection, proxy_id: str, cursor: int, now: int) -> None:
    """Note that a proxy has everything up to `cursor`."""
    row = {"proxy_id": proxy_id, "cursor": cursor, "changed_at": now}
    statement = upsert(connection, feed_positions).values(row)
    connection.execute(statement.on_conflict_do_update(index_elements=["proxy_id"], set_=row))


def acknowledged(connection: Connection, proxy_id: str) -> int:
    """The cursor that a proxy last acknowledged; 0 if none."""
    return connection.scalar(select(feed_positions.c.cursor).where(feed_positions.c.proxy_id == proxy_id)) or 0


def prune(connection: Connection, proxy_ids: list[str], older_than: int, now: int) -> int:
    """Delete messages that all of `proxy_ids` have, and those made before `older_than`; returns how many.

    A proxy that misses one for its age gets a new snapshot instead. The last row stays, for its cursor.
    """
    positions = {row.proxy_id: row.cursor for row in connection.execute(select(feed_positions))}
    passed = min((positions.get(proxy_id, 0) for proxy_id in proxy_ids), default=0)
    head = connection.scalar(select(func.max(feed.c.cursor))) or 0
    old = (feed.c.kind == _MESSAGE) & (feed.c.cursor < head)
    count = connection.execute(delete(feed).where(old, feed.c.cursor <= passed)).rowcount
    missed = connection.execute(delete(feed).where(old, feed.c.created_at < older_than)).rowcount
    if missed:
        append_configuration(connection, now)
    connection.execute(delete(feed_positions).where(feed_positions.c.proxy_id.not_in(proxy_ids)))
    return count + missed
