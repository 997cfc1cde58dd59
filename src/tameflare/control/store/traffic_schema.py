"""The shape of the record of requests: one table per month, so that a month is dropped whole.

On SQLite it is a file of its own, on PostgreSQL it stands in the one database; `traffic_sqlite.py` and
`traffic_postgresql.py` spell it. The record has a version of its own. Column names are those of the answers of the API
where they mean the same. A row's `id` is its place in the order in which the control plane learned of things: it is
given when the row comes and again, once, when the other half of its request comes.
"""

from __future__ import annotations

import time
from collections.abc import Iterable, Sequence
from typing import Any, Final, Protocol

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

Row = tuple[Any, ...]


class TrafficTooNew(TameFlareError):
    """The file was written by a later version; stops the start."""

    code = "schema_mismatch"


class Tables(Protocol):
    """The tables of the record on one of the databases, inside a transaction of the driver's connection: an insert
    through it costs a third of one through SQLAlchemy. Values stand as `?` in every question.

    `positions`: everything before `sequence` of a proxy's epoch is stored. `missing`: records that a proxy made and
    then could not keep. `unreadable`: undamaged frames that this version cannot read. `counter`: the last id given.
    """

    def execute(self, question: str, values: Sequence[Any] = ()) -> Any:
        """The driver's cursor."""

    def executemany(self, question: str, rows: Iterable[Row]) -> None:
        """The same once for each row."""

    def prepare(self) -> None:
        """Bring the record to VERSION. Raises TrafficTooNew."""

    def months(self) -> list[str]:
        """Existing month tables, newest first."""

    def create_month(self, table: str) -> None:
        """Make a month's table if it isn't there."""

    def put(self, table: str, upsert: str, rows: Sequence[Row]) -> None:
        """Store rows of COLUMNS in a month; `upsert` is the question that does it for one of them."""

    def action_fits(self, pattern: str) -> tuple[str, list[Any]]:
        """A condition, with its values, that holds where one of a row's actions fits a glob. The first action stands in
        a column; the few rows with several have `],[` in their list."""


def too_new(version: int) -> TrafficTooNew:
    return TrafficTooNew(
        f"the record of requests has schema {version}, this version knows {VERSION}", "upgrade TameFlare"
    )


def month_table(now: float) -> str:
    """The table for what arrives at `now` (Unix seconds, UTC)."""
    return MONTH_PREFIX + time.strftime("%Y%m", time.gmtime(now))
