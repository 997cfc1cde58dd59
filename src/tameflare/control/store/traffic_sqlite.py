"""The record of requests on SQLite: `traffic.db`, so that intake never makes a decision wait. Its version is
`PRAGMA user_version`."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Sequence
from typing import Any, Final

from tameflare.control.store.traffic_schema import INTENT_COLUMNS, OUTCOME_COLUMNS, VERSION, Row, too_new

_SCHEMA: Final = """
CREATE TABLE positions (
  proxy TEXT NOT NULL, epoch TEXT NOT NULL, sequence INTEGER NOT NULL, PRIMARY KEY (proxy, epoch)
) WITHOUT ROWID;
CREATE TABLE missing (
  proxy TEXT NOT NULL, epoch TEXT NOT NULL, sequence INTEGER NOT NULL, count INTEGER NOT NULL, noted_at REAL NOT NULL
);
CREATE TABLE unreadable (
  proxy TEXT NOT NULL, epoch TEXT NOT NULL, sequence INTEGER NOT NULL, payload BLOB NOT NULL, noted_at REAL NOT NULL
);
CREATE TABLE counter (last INTEGER NOT NULL);
INSERT INTO counter VALUES (0);
"""


class SqliteTables:
    """`traffic_schema.Tables` for a SQLite file."""

    def __init__(self, raw: sqlite3.Connection) -> None:
        self._raw = raw

    def execute(self, question: str, values: Sequence[Any] = ()) -> sqlite3.Cursor:
        return self._raw.execute(question, values)

    def executemany(self, question: str, rows: Iterable[Row]) -> None:
        self._raw.executemany(question, rows)

    def prepare(self) -> None:
        (version,) = self._raw.execute("PRAGMA user_version").fetchone()
        if version > VERSION:
            raise too_new(version)
        if version == 0:
            for statement in filter(str.strip, _SCHEMA.split(";\n")):
                self._raw.execute(statement)
            self._raw.execute(f"PRAGMA user_version={VERSION}")

    def months(self) -> list[str]:
        names = self._raw.execute("SELECT name FROM sqlite_master WHERE type = 'table' AND name GLOB 'traffic_[0-9]*'")
        return sorted((name for (name,) in names), reverse=True)

    def create_month(self, table: str) -> None:
        columns = ", ".join(f"{name} {kind} NOT NULL" for name, kind in (INTENT_COLUMNS | OUTCOME_COLUMNS).items())
        self._raw.execute(
            f"CREATE TABLE IF NOT EXISTS {table} (id INTEGER PRIMARY KEY, request_id TEXT NOT NULL,"
            f" proxy TEXT NOT NULL, parts INTEGER NOT NULL, {columns}, UNIQUE (request_id, proxy))"
        )
        for column in ("time", "agent"):
            self._raw.execute(f"CREATE INDEX IF NOT EXISTS {table}_{column} ON {table} ({column})")

    def put(self, table: str, upsert: str, rows: Sequence[Row]) -> None:  # noqa: ARG002 - the other one needs it
        self._raw.executemany(upsert, rows)

    def action_fits(self, pattern: str) -> tuple[str, list[Any]]:
        several = "instr(actions, '],[') AND EXISTS (SELECT 1 FROM json_each(actions) WHERE value ->> 0 GLOB ?)"
        return f"(action GLOB ? OR {several})", [pattern, pattern]
