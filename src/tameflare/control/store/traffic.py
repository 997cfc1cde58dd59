"""The record of requests, apart from everything else so that intake never makes a decision wait."""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from sqlalchemy import Connection

from tameflare.control.store import traffic_read
from tameflare.control.store.engine import BUSY_SECONDS, Database, touch
from tameflare.control.store.traffic_read import Filter, Found
from tameflare.control.store.traffic_schema import MONTH_PREFIX, Tables, month_table
from tameflare.control.store.traffic_sqlite import SqliteTables
from tameflare.control.store.traffic_write import Rows, write_rows
from tameflare.core.secret import Secret

TOPIC: Final = "traffic"
PART: Final = "traffic"


@dataclass(frozen=True, slots=True)
class Delivery:
    """A batch of a proxy's spool, decoded: frames `sequence` to `sequence + count - 1` of `epoch`.

    `missing` frames before them are gone for good, as the proxy says. `unreadable` are undamaged payloads, by sequence,
    that this version cannot read, and `foreign` of them that are of gateways which are not this proxy's to tell of.
    """

    proxy: str
    epoch: str
    sequence: int
    count: int
    rows: Rows
    unreadable: Sequence[tuple[int, bytes]] = ()
    missing: int = 0
    foreign: int = 0


class TrafficStore:
    """Made by `open`. `now` is Unix seconds; a row belongs to the month in which it arrived."""

    def __init__(self, database: Database, now: Callable[[], float]) -> None:
        self.database = database
        self._now = now

    @classmethod
    def open(
        cls, path: Path, now: Callable[[], float] = time.time, *, busy_seconds: float = BUSY_SECONDS
    ) -> TrafficStore:
        """Open the file or make it. Raises DatabaseUnavailable, TrafficTooNew."""
        return cls._prepared(Database.open(path, busy_seconds=busy_seconds), now)

    @classmethod
    def connect(cls, url: Secret, now: Callable[[], float] = time.time) -> TrafficStore:
        """Connect to PostgreSQL, and make what is not there yet. Raises DatabaseUnavailable, TrafficTooNew."""
        return cls._prepared(Database.connect(url, PART), now)

    @classmethod
    def _prepared(cls, database: Database, now: Callable[[], float]) -> TrafficStore:
        try:
            database.write_now(lambda connection: tables_of(connection).prepare())
        except BaseException:
            database.close()
            raise
        return cls(database, now)

    def close(self) -> None:
        self.database.close()

    async def months(self) -> list[str]:
        """The months that there are, such as `202611`, newest first."""
        names = await self.database.read(lambda connection: tables_of(connection).months())
        return [name.removeprefix(MONTH_PREFIX) for name in names]

    async def position(self, proxy: str, epoch: str) -> int:
        """The sequence that is expected next; 0 for an epoch that is not known."""
        return await self.database.read(lambda connection: _position(tables_of(connection), proxy, epoch))

    async def store(self, delivery: Delivery) -> bool:
        """Store rows and position in one transaction. False: the batch does not begin at the position, so that
        nothing was stored: another delivery came in between."""
        return await self.database.write(lambda connection: self._store(connection, delivery))

    async def newest(self, wanted: Filter, before: int | None, limit: int) -> list[Found]:
        """At most `limit` rows with an id below `before`, newest first."""
        return await self.database.read(
            lambda connection: traffic_read.newest(tables_of(connection), wanted, before, limit),
        )

    async def following(self, wanted: Filter, after: int, limit: int) -> list[Found]:
        """At most `limit` requests that ended after row `after`, oldest first."""
        return await self.database.read(
            lambda connection: traffic_read.following(tables_of(connection), wanted, after, limit),
        )

    async def last_id(self) -> int:
        """The id that was given last; 0 in an empty record."""
        return await self.database.read(lambda connection: traffic_read.last_id(tables_of(connection)))

    async def drop_before(self, moment: float) -> list[str]:
        """Drop the months that were over before `moment`; returns their names, such as `202611`.

        What was noted before it about records that were lost or cannot be read goes as well.

        The file does not shrink: the next months use the pages again.
        """
        return await self.database.write(lambda connection: _drop(tables_of(connection), moment))

    def _store(self, connection: Connection, delivery: Delivery) -> bool:
        tables, now = tables_of(connection), self._now()
        proxy, epoch, start = delivery.proxy, delivery.epoch, delivery.sequence
        if _position(tables, proxy, epoch) + delivery.missing != start:
            return False
        if delivery.missing:
            gap = (proxy, epoch, start - delivery.missing, delivery.missing, now)
            tables.execute("INSERT INTO missing VALUES (?, ?, ?, ?, ?)", gap)
        kept = [(proxy, epoch, sequence, payload, now) for sequence, payload in delivery.unreadable]
        tables.executemany("INSERT INTO unreadable VALUES (?, ?, ?, ?, ?)", kept)
        write_rows(tables, proxy, delivery.rows, now)
        _move(tables, proxy, epoch, start + delivery.count)
        touch(connection, TOPIC)
        return True


def tables_of(connection: Connection) -> Tables:
    """The record on the database of `connection`, in SQLAlchemy's transaction."""
    raw = connection.connection.driver_connection
    if isinstance(raw, sqlite3.Connection):
        return SqliteTables(raw)
    from tameflare.control.store.traffic_postgresql import PostgresTables  # SQLite is to do without its driver

    assert raw is not None
    return PostgresTables(raw)


def _position(tables: Tables, proxy: str, epoch: str) -> int:
    question = "SELECT sequence FROM positions WHERE proxy = ? AND epoch = ?"
    found = tables.execute(question, (proxy, epoch)).fetchone()
    return int(found[0]) if found else 0


def _move(tables: Tables, proxy: str, epoch: str, sequence: int) -> None:
    tables.execute(
        "INSERT INTO positions VALUES (?, ?, ?) ON CONFLICT (proxy, epoch) DO UPDATE SET sequence = excluded.sequence",
        (proxy, epoch, sequence),
    )


def _drop(tables: Tables, moment: float) -> list[str]:
    first_kept = month_table(moment)
    dropped = [name for name in tables.months() if name < first_kept]
    for name in dropped:
        tables.execute(f"DROP TABLE {name}")
    tables.execute("DELETE FROM missing WHERE noted_at < ?", (moment,))
    tables.execute("DELETE FROM unreadable WHERE noted_at < ?", (moment,))
    return [name.removeprefix(MONTH_PREFIX) for name in dropped]
