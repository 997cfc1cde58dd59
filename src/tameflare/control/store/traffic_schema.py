"""Tables of `traffic.db`, the record of requests: one table per month, so that a month is dropped whole.

The file has a version of its own (`PRAGMA user_version`). Column names are those of the answers of the API where they
mean the same. A row's `id` is its place in the order in which the control plane learned of things: it is given when the
row comes and again, once, when the other half of its request comes.
"""

from __future__ import annotations

import sqlite3
import time
from typing import Final

from tameflare.core.errors import TameFlareError

VERSION: Final = 1
MONTH_PREFIX: Final = "traffic_"

HAS_INTENT: Final = 1
HAS_OUTCOME: Final = 2
COMPLETE: Final = HAS_INTENT | HAS_OUTCOME

INTENT_COLUMNS: Final = {
    "time": "REAL",
    "gateway": "TEXT",
    "agent": "TEXT",
    "run": "TEXT",
    "connector": "TEXT",
    "action": "TEXT",
    "actions": "TEXT",
    "method": "TEXT",
    "scheme": "TEXT",
    "host": "TEXT",
    "port": "INTEGER",
    "path": "TEXT",
    "content_type": "TEXT",
    "user_agent": "TEXT",
    "decision": "TEXT",
    "reason": "TEXT",
    "message": "TEXT",
    "matched": "TEXT",
    "would_be": "TEXT",
    "level": "TEXT",
    "flags": "TEXT",
    "configuration": "INTEGER",
}
OUTCOME_COLUMNS: Final = {
    "status": "INTEGER",
    "latency_us": "INTEGER",
    "overhead_us": "INTEGER",
    "bytes_in": "INTEGER",
    "bytes_out": "INTEGER",
    "failure": "TEXT",
}
KEY_COLUMNS: Final = {"id": "INTEGER", "request_id": "TEXT", "proxy": "TEXT", "parts": "INTEGER"}
COLUMNS: Final = (*KEY_COLUMNS, *INTENT_COLUMNS, *OUTCOME_COLUMNS)

# `positions`: everything before `sequence` of a proxy's epoch is stored. `missing`: records that a proxy made and then
# could not keep. `unreadable`: undamaged frames that this version cannot read. `counter`: the last id given.
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


class TrafficTooNew(TameFlareError):
    """The file was written by a later version; stops the start."""

    code = "schema_mismatch"


def prepare(raw: sqlite3.Connection) -> None:
    """Bring the file to VERSION, inside the caller's transaction. Raises TrafficTooNew."""
    (version,) = raw.execute("PRAGMA user_version").fetchone()
    if version > VERSION:
        raise TrafficTooNew(f"`traffic.db` has schema {version}, this version knows {VERSION}", "upgrade TameFlare")
    if version == 0:
        for statement in filter(str.strip, _SCHEMA.split(";\n")):
            raw.execute(statement)
        raw.execute(f"PRAGMA user_version={VERSION}")


def month_table(now: float) -> str:
    """The table for what arrives at `now` (Unix seconds, UTC)."""
    return MONTH_PREFIX + time.strftime("%Y%m", time.gmtime(now))


def month_tables(raw: sqlite3.Connection) -> list[str]:
    """Existing month tables, newest first."""
    names = raw.execute("SELECT name FROM sqlite_master WHERE type = 'table' AND name GLOB 'traffic_[0-9]*'")
    return sorted((name for (name,) in names), reverse=True)


def create_month(raw: sqlite3.Connection, table: str) -> None:
    """Make a month's table if it isn't there."""
    columns = ", ".join(f"{name} {kind} NOT NULL" for name, kind in (INTENT_COLUMNS | OUTCOME_COLUMNS).items())
    raw.execute(
        f"CREATE TABLE IF NOT EXISTS {table} (id INTEGER PRIMARY KEY, request_id TEXT NOT NULL, proxy TEXT NOT NULL,"
        f" parts INTEGER NOT NULL, {columns}, UNIQUE (request_id, proxy))"
    )
    for column in ("time", "agent"):
        raw.execute(f"CREATE INDEX IF NOT EXISTS {table}_{column} ON {table} ({column})")
