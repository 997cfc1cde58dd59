"""A SQLite file as the control plane uses it: one writer thread with group commit, a few readers.

    database = Database.open(path)
    user = await database.write(lambda connection: insert_user(connection, …))   # resolves after COMMIT
    rows = await database.read(list_users)                                       # one consistent snapshot

A function gets a SQLAlchemy Connection inside a transaction, and must neither commit nor roll back: if it raises, what
it did is taken back and the caller gets the exception. It runs in another thread, so it must touch nothing but its
arguments, and should be short: the next writer waits. A writing function may be run after its caller was cancelled.

Faults: DatabaseUnavailable (locked, full, read-only, gone), Conflict (a constraint refused), else what was raised.
"""

from __future__ import annotations

import asyncio
import os
import sqlite3
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, Final, TypeVar

from sqlalchemy import Connection, Engine, create_engine, event
from sqlalchemy.engine import URL

from tameflare.control.store.engine_faults import Conflict, DatabaseUnavailable, naming, translate
from tameflare.control.store.writer import Writer, after_commit, touch

__all__ = ["Conflict", "Connection", "Database", "DatabaseUnavailable", "after_commit", "touch"]

T = TypeVar("T")

READERS: Final = 2
BUSY_SECONDS: Final = 5.0
_WAL_LIMIT: Final = 64 << 20


class Database:
    """One open file. Made by `open`; `close` ends its threads."""

    def __init__(self, path: Path, writing: Engine, reading: Engine) -> None:
        self.path = path
        self._inode = path.stat().st_ino
        self._writing = writing
        self._reading = reading
        self._writer = Writer(writing, self._check_present, path.name)
        self._readers = ThreadPoolExecutor(READERS, thread_name_prefix=f"reader of {path.name}")

    @classmethod
    def open(cls, path: Path, *, synchronous: str = "FULL", busy_seconds: float = BUSY_SECONDS) -> Database:
        """Open the file, or make it with mode 0600. Raises DatabaseUnavailable.

        `synchronous` is SQLite's: FULL survives loss of power after COMMIT, NORMAL survives the end of any process.
        """
        _create(path)
        writing = _engine(path, "BEGIN IMMEDIATE", synchronous, busy_seconds)
        reading = _engine(path, "BEGIN", synchronous, busy_seconds, "PRAGMA query_only=ON")
        try:
            _use_wal(writing)
        except Exception as fault:
            writing.dispose()
            raise naming(path, translate(fault)) from fault
        return cls(path, writing, reading)

    async def write(self, function: Callable[[Connection], T]) -> T:
        """Run in the writer thread; returns after COMMIT."""
        return await asyncio.wrap_future(self._writer.submit(function))

    def write_now(self, function: Callable[[Connection], T]) -> T:
        """As `write`, for callers outside a running loop (start-up, the command line, tests)."""
        return self._writer.submit(function).result()

    async def read(self, function: Callable[[Connection], T]) -> T:
        """Run in a reader thread on one snapshot; the connection refuses to write."""
        return await asyncio.get_running_loop().run_in_executor(self._readers, self.read_now, function)

    def read_now(self, function: Callable[[Connection], T]) -> T:
        """As `read`, in the calling thread."""
        try:
            self._check_present()
            with self._reading.begin() as connection:
                return function(connection)
        except Exception as fault:
            translated = translate(fault)
            if translated is fault:
                raise
            raise translated from fault

    def subscribe(self, topic: str, callback: Callable[[], None]) -> None:
        """Call `callback` from the writer's thread after each commit in which `touch(connection, topic)` was called."""
        self._writer.subscribe(topic, callback)

    def close(self) -> None:
        """Finish what was handed in, end the threads, fold the write-ahead log into the file."""
        self._writer.close()
        self._readers.shutdown()
        self._reading.dispose()
        self._writing.dispose()

    def _check_present(self) -> None:
        """SQLite goes on writing to a file that was deleted or replaced; we don't."""
        try:
            present = self.path.stat().st_ino == self._inode
        except OSError:
            present = False
        if not present:
            raise DatabaseUnavailable(f"the database `{self.path.name}` is gone", "put it back and restart the server")


def _create(path: Path) -> None:
    """Make the file with mode 0600 before SQLite would make it with a wider one."""
    try:
        os.close(os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600))
    except OSError as fault:
        raise DatabaseUnavailable(
            f"the database `{path}` cannot be opened: {fault.strerror}",
            "check that the data directory exists and that this user may write to it",
        ) from fault


def _engine(path: Path, begin: str, synchronous: str, busy_seconds: float, *pragmas: str) -> Engine:
    engine = create_engine(
        URL.create("sqlite", database=str(path)),
        pool_size=READERS + 1,
        connect_args={"timeout": busy_seconds, "check_same_thread": False},
    )

    @event.listens_for(engine, "connect")
    def prepare(raw: sqlite3.Connection, _record: Any) -> None:
        raw.isolation_level = None  # transactions begin where we say
        for pragma in (f"PRAGMA synchronous={synchronous}", "PRAGMA foreign_keys=ON", *pragmas):
            raw.execute(pragma)

    @event.listens_for(engine, "begin")
    def start(connection: Connection) -> None:
        connection.exec_driver_sql(begin)

    return engine


def _use_wal(engine: Engine) -> None:
    raw = engine.raw_connection()
    try:
        cursor = raw.cursor()
        cursor.execute("PRAGMA journal_mode=WAL")
        cursor.execute(f"PRAGMA journal_size_limit={_WAL_LIMIT}")
    finally:
        raw.close()
