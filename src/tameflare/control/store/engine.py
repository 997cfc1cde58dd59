"""A database as the control plane uses it: one writer thread with group commit, a few readers.

    database = Database.open(path)                                               # a SQLite file
    database = Database.connect(url, "main")                                     # PostgreSQL
    user = await database.write(lambda connection: insert_user(connection, …))   # resolves after COMMIT
    rows = await database.read(list_users)                                       # one consistent snapshot

A function gets a SQLAlchemy Connection inside a transaction, and must neither commit nor roll back: if it raises, what
it did is taken back and the caller gets the exception. It runs in another thread, so it must touch nothing but its
arguments, and should be short: the next writer waits. A writing function may be run after its caller was cancelled. On
PostgreSQL a function may be run a second time where its connection was found dead before it did anything.

Faults: DatabaseUnavailable (locked, full, read-only, gone), Conflict (a constraint refused), else what was raised.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Final, TypeVar

from sqlalchemy import Connection

from tameflare.control.store.engine_faults import SILENT, Conflict, DatabaseUnavailable, is_passing, translate
from tameflare.control.store.engine_house import House
from tameflare.control.store.engine_sqlite import SqliteFile
from tameflare.control.store.writer import Writer, after_commit, touch
from tameflare.core.secret import Secret

__all__ = ["Conflict", "Connection", "Database", "DatabaseUnavailable", "after_commit", "touch"]

T = TypeVar("T")

BUSY_SECONDS: Final = 5.0


class Database:
    """One open database. Made by `open` or `connect`; `close` ends its threads."""

    def __init__(self, house: House) -> None:
        self.house = house
        self._writer = Writer(house)
        self._readers = ThreadPoolExecutor(house.readers, thread_name_prefix=f"reader of {house.title}")
        house.listen(self._writer.tell)

    @classmethod
    def open(cls, path: Path, *, synchronous: str = "FULL", busy_seconds: float = BUSY_SECONDS) -> Database:
        """Open a SQLite file, or make it. Raises DatabaseUnavailable."""
        return cls(SqliteFile(path, synchronous, busy_seconds))

    @classmethod
    def connect(cls, url: Secret, part: str, *, busy_seconds: float = BUSY_SECONDS) -> Database:
        """Connect to PostgreSQL; databases with the same url and `part` write one after the other, wherever they are.

        Raises DatabaseUnavailable.
        """
        from tameflare.control.store.engine_postgresql import PostgresServer  # SQLite is to do without its driver

        return cls(PostgresServer(url, part, busy_seconds))

    @property
    def path(self) -> Path:
        """The SQLite file."""
        assert isinstance(self.house, SqliteFile)
        return self.house.path

    @property
    def is_file(self) -> bool:
        """Whether this is a SQLite file, which no other server uses."""
        return isinstance(self.house, SqliteFile)

    async def write(self, function: Callable[[Connection], T]) -> T:
        """Run in the writer thread; returns after COMMIT."""
        return await self._answer(asyncio.wrap_future(self._writer.submit(function)))

    def write_now(self, function: Callable[[Connection], T]) -> T:
        """As `write`, for callers outside a running loop (start-up, the command line, tests)."""
        return self._writer.submit(function).result()

    async def read(self, function: Callable[[Connection], T]) -> T:
        """Run in a reader thread on one snapshot; the connection refuses to write."""
        return await self._answer(asyncio.get_running_loop().run_in_executor(self._readers, self.read_now, function))

    async def _answer(self, future: asyncio.Future[T]) -> T:
        try:
            async with asyncio.timeout(self.house.patience):
                return await future
        except TimeoutError:
            raise DatabaseUnavailable(*SILENT) from None

    def read_now(self, function: Callable[[Connection], T]) -> T:
        """As `read`, in the calling thread."""
        try:
            try:
                return self._read(function)
            except Exception as fault:
                if not is_passing(fault):
                    raise
                return self._read(function)  # the pool has forgotten its dead connections by now
        except Exception as fault:
            translated = translate(fault)
            if translated is fault:
                raise
            raise translated from fault

    def _read(self, function: Callable[[Connection], T]) -> T:
        self.house.check_present()
        with self.house.reading.begin() as connection:
            return function(connection)

    def subscribe(self, topic: str, callback: Callable[[], None]) -> None:
        """Call `callback` after each commit in which `touch(connection, topic)` was called, by this server or another
        one on the same database; from a thread of the store."""
        self._writer.subscribe(topic, callback)

    def close(self) -> None:
        """Finish what was handed in, end the threads and connections."""
        self._writer.close()
        self._readers.shutdown()
        self.house.close()
