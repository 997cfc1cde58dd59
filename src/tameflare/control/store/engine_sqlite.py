"""A SQLite file: `BEGIN IMMEDIATE` for writing, the write-ahead log for reading beside it. One server uses it."""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Collection
from pathlib import Path
from typing import Any, Final

from sqlalchemy import Connection, Engine, create_engine, event
from sqlalchemy.engine import URL

from tameflare.control.store.engine_faults import DatabaseUnavailable, naming, translate
from tameflare.control.store.engine_house import Tell

READERS: Final = 2
_WAL_LIMIT: Final = 64 << 20


class SqliteFile:
    """One open file; made with mode 0600 where it is not there. Raises DatabaseUnavailable.

    `synchronous` is SQLite's: FULL survives loss of power after COMMIT, NORMAL survives the end of any process.
    """

    readers = READERS
    patience: float | None = None

    def __init__(self, path: Path, synchronous: str, busy_seconds: float) -> None:
        _create(path)
        self.path = path
        self.title = path.name
        self.writing = _engine(path, ("BEGIN IMMEDIATE", "SAVEPOINT job"), synchronous, busy_seconds)
        self.reading = _engine(path, ("BEGIN",), synchronous, busy_seconds, "PRAGMA query_only=ON")
        try:
            _use_wal(self.writing)
        except Exception as fault:
            self.writing.dispose()
            raise naming(str(path), translate(fault)) from fault
        self._inode = path.stat().st_ino

    def check_present(self) -> None:
        """SQLite goes on writing to a file that was deleted or replaced; we don't."""
        try:
            present = self.path.stat().st_ino == self._inode
        except OSError:
            present = False
        if not present:
            raise DatabaseUnavailable(f"the database `{self.path.name}` is gone", "put it back and restart the server")

    def mark(self, raw: Any) -> None:
        raw.execute("RELEASE job")
        raw.execute("SAVEPOINT job")

    def check_sound(self, raw: Any) -> None:
        """A statement that failed takes back itself alone."""

    def is_open(self, raw: Any) -> bool:
        return bool(raw.in_transaction)

    def announce(self, connection: Connection, topics: Collection[str]) -> None:
        """There are no other servers: a second one is refused by the lock in the data directory."""

    def listen(self, tell: Tell) -> None:
        """As `announce`."""

    def close(self) -> None:
        """The last connection folds the write-ahead log into the file."""
        self.reading.dispose()
        self.writing.dispose()


def _create(path: Path) -> None:
    """Make the file with mode 0600 before SQLite would make it with a wider one."""
    try:
        os.close(os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600))
    except OSError as fault:
        raise DatabaseUnavailable(
            f"the database `{path}` cannot be opened: {fault.strerror}",
            "check that the data directory exists and that this user may write to it",
        ) from fault


def _engine(path: Path, begin: tuple[str, ...], synchronous: str, busy_seconds: float, *pragmas: str) -> Engine:
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
        for statement in begin:
            connection.exec_driver_sql(statement)

    return engine


def _use_wal(engine: Engine) -> None:
    raw = engine.raw_connection()
    try:
        cursor = raw.cursor()
        cursor.execute("PRAGMA journal_mode=WAL")
        cursor.execute(f"PRAGMA journal_size_limit={_WAL_LIMIT}")
    finally:
        raw.close()
