"""The record of requests on PostgreSQL: tables of the one database whose names begin with `traffic_`, written under a
lock of their own so that intake never makes a decision wait."""

from __future__ import annotations

import functools
import re
from collections.abc import Iterable, Sequence
from typing import Any, Final

import psycopg

from tameflare.control.store.traffic_glob import expression
from tameflare.control.store.traffic_schema import (
    COLUMNS,
    INTENT_COLUMNS,
    KEY_COLUMNS,
    OUTCOME_COLUMNS,
    VERSION,
    Row,
    too_new,
)

_TYPES: Final = {"REAL": "DOUBLE PRECISION", "INTEGER": "BIGINT", "TEXT": 'TEXT COLLATE "C"'}
_SCHEMA: Final = b"""
CREATE TABLE traffic_positions (
  proxy TEXT NOT NULL, epoch TEXT NOT NULL, sequence BIGINT NOT NULL, PRIMARY KEY (proxy, epoch)
);
CREATE TABLE traffic_missing (
  proxy TEXT NOT NULL, epoch TEXT NOT NULL, sequence BIGINT NOT NULL, count BIGINT NOT NULL,
  noted_at DOUBLE PRECISION NOT NULL
);
CREATE TABLE traffic_unreadable (
  proxy TEXT NOT NULL, epoch TEXT NOT NULL, sequence BIGINT NOT NULL, payload BYTEA NOT NULL,
  noted_at DOUBLE PRECISION NOT NULL
);
CREATE TABLE traffic_counter (last BIGINT NOT NULL);
INSERT INTO traffic_counter VALUES (0);
CREATE TABLE traffic_version (version BIGINT NOT NULL);
"""
_MONTHS: Final = (
    "SELECT tablename FROM pg_tables WHERE schemaname = current_schema() AND tablename ~ '^traffic_[0-9]{6}$'"
)
_OURS: Final = re.compile(r"\b(positions|missing|unreadable|counter)\b")
_NUL: Final = "\0"
_SIGN: Final = "\N{SYMBOL FOR NULL}"


class PostgresTables:
    """`traffic_schema.Tables` for PostgreSQL."""

    def __init__(self, raw: psycopg.Connection[Any]) -> None:
        self._raw = raw

    def execute(self, question: str, values: Sequence[Any] = ()) -> psycopg.Cursor[Any]:
        return self._raw.execute(_spelled(question), values)

    def executemany(self, question: str, rows: Iterable[Row]) -> None:
        with self._raw.cursor() as cursor:
            cursor.executemany(_spelled(question), rows)

    def prepare(self) -> None:
        (there,) = self._raw.execute("SELECT to_regclass('traffic_version')").fetchone() or (None,)
        if there is None:
            self._raw.execute(_SCHEMA)
            self._raw.execute("INSERT INTO traffic_version VALUES (%s)", (VERSION,))
            return
        (version,) = self._raw.execute("SELECT version FROM traffic_version").fetchone() or (VERSION,)
        if version > VERSION:
            raise too_new(version)

    def months(self) -> list[str]:
        return sorted((name for (name,) in self._raw.execute(_MONTHS)), reverse=True)

    def create_month(self, table: str) -> None:
        """Looked for first: `IF NOT EXISTS` would take its locks each time."""
        if table in self.months():
            return
        columns = ", ".join(f"{name} {_TYPES[kind]} NOT NULL" for name, kind in _kinds().items())
        self.execute(f"CREATE TABLE {table} ({columns}, PRIMARY KEY (id), UNIQUE (request_id, proxy))")
        for column in ("time", "agent"):
            self.execute(f"CREATE INDEX {table}_{column} ON {table} ({column})")

    def put(self, table: str, upsert: str, rows: Sequence[Row]) -> None:
        """New rows by COPY, which costs a quarter; nobody else writes meanwhile."""
        if not rows:
            return
        there = self._there(table, rows)
        self.executemany(upsert, [_storable(row) for row in rows if row[1] in there])
        with (
            self._raw.cursor() as cursor,
            cursor.copy(f"COPY {table} ({', '.join(COLUMNS)}) FROM STDIN".encode()) as copy,
        ):
            for row in rows:
                if row[1] not in there:
                    copy.write_row(_storable(row))

    def _there(self, table: str, rows: Sequence[Row]) -> set[str]:
        """Which of these requests, all of one proxy, stand in the table."""
        question = f"SELECT request_id FROM {table} WHERE request_id = ANY(?) AND proxy = ?"  # noqa: S608 - our own names
        return {found for (found,) in self.execute(question, ([row[1] for row in rows], rows[0][2]))}

    def action_fits(self, pattern: str) -> tuple[str, list[Any]]:
        fitting = expression(pattern)
        several = "EXISTS (SELECT 1 FROM json_array_elements(actions::json) AS one WHERE one ->> 0 ~ ?)"
        return f"(action ~ ? OR strpos(actions, '],[') > 0 AND {several})", [fitting, fitting]


@functools.cache
def _spelled(question: str) -> bytes:
    return _OURS.sub(r"traffic_\1", question).replace("?", "%s").encode()


def _kinds() -> dict[str, str]:
    return KEY_COLUMNS | INTENT_COLUMNS | OUTCOME_COLUMNS


def _storable(row: Row) -> Row:
    """PostgreSQL keeps no NUL in text, and agents may send one: the sign for it stands in its place."""
    if any(type(value) is str and _NUL in value for value in row):
        return tuple(value.replace(_NUL, _SIGN) if isinstance(value, str) else value for value in row)
    return row
