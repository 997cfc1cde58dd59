"""Putting records into their month: intent and outcome of a request become one row, in whatever order they come."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any, Final

import msgspec

from tameflare.control.store.traffic_schema import (
    COLUMNS,
    COMPLETE,
    HAS_INTENT,
    HAS_OUTCOME,
    INTENT_COLUMNS,
    OUTCOME_COLUMNS,
    Row,
    Tables,
    month_table,
)
from tameflare.link.messages import Intent, Outcome, Record

_json: Final = msgspec.json.Encoder()
_NO_INTENT: Final[Row] = ("", "", "", "", "", "[]", "", "", "", 0, "", "", "", "", "", "", "[]", "", "")
_NO_OUTCOME: Final[Row] = (0, 0, 0, 0, 0, "")
FLAGS: Final = "flags"
_BOTH_FLAGS: Final = (
    "flags = CASE '[]' WHEN excluded.flags THEN {table}.flags WHEN {table}.flags THEN excluded.flags"
    " ELSE substr({table}.flags, 1, length({table}.flags) - 1) || ',' || substr(excluded.flags, 2) END"
)
"""Both halves of a request may have flags: the arrays are joined."""


class Rows:
    """The records of a batch, halves of one request already joined."""

    def __init__(self, records: Iterable[Record]) -> None:
        self.intents: dict[str, Intent] = {}
        self.outcomes: dict[str, Outcome] = {}
        for record in records:
            if type(record) is Outcome:
                self.outcomes[record.request_id] = record
            else:
                assert isinstance(record, Intent)
                self.intents[record.request_id] = record

    def __len__(self) -> int:
        return len(self.intents.keys() | self.outcomes.keys())


def write_rows(tables: Tables, proxy: str, rows: Rows, now: float) -> None:
    """Store a batch of one proxy that arrived at `now`, inside the caller's transaction."""
    table = month_table(now)
    tables.create_month(table)
    (last,) = tables.execute("SELECT last FROM counter").fetchone()
    whole, begun = _with_intent(rows, proxy, last)
    ended = _without_intent(rows, proxy, last + len(whole) + len(begun), now)
    newest = last + len(whole) + len(begun) + len(ended)
    tables.execute("UPDATE counter SET last = ?", (newest,))
    tables.put(table, _upsert(table, (*INTENT_COLUMNS, *OUTCOME_COLUMNS)), whole)
    for columns, halves in ((INTENT_COLUMNS.keys() - {FLAGS}, begun), (OUTCOME_COLUMNS, ended)):
        for home, group in _homes(tables, table, halves).items():
            tables.put(home, _upsert(home, tuple(columns), _BOTH_FLAGS.format(table=home)), group)


def _with_intent(rows: Rows, proxy: str, last: int) -> tuple[list[Row], list[Row]]:
    """Rows that are complete, and rows whose outcome is still to come, with ids after `last`."""
    whole: list[Row] = []
    begun: list[Row] = []
    for place, (request_id, intent) in enumerate(rows.intents.items(), last + 1):
        outcome = rows.outcomes.get(request_id)
        if outcome is not None:
            whole.append((place, request_id, proxy, COMPLETE, *_intent(intent, outcome.flags), *_outcome(outcome)))
        elif intent.final:
            whole.append((place, request_id, proxy, COMPLETE, *_intent(intent), *_own_outcome(intent)))
        else:
            begun.append((place, request_id, proxy, HAS_INTENT, *_intent(intent), *_NO_OUTCOME))
    return whole, begun


def _without_intent(rows: Rows, proxy: str, last: int, now: float) -> list[Row]:
    ended = (outcome for request_id, outcome in rows.outcomes.items() if request_id not in rows.intents)
    return [
        (place, outcome.request_id, proxy, HAS_OUTCOME, now, *_NO_INTENT, _text(outcome.flags), 0, *_outcome(outcome))
        for place, outcome in enumerate(ended, last + 1)
    ]


def _intent(intent: Intent, flags: tuple[str, ...] = ()) -> Row:
    """The columns of an intent, with the `flags` of its outcome."""
    actions = intent.actions
    return (
        intent.time,
        intent.gateway,
        intent.agent,
        intent.run,
        intent.connector,
        actions[0].type if actions else "",
        _text(actions),
        intent.method,
        intent.scheme,
        intent.host,
        intent.port,
        intent.path,
        intent.content_type,
        intent.user_agent,
        intent.verdict,
        intent.reason,
        intent.message,
        _text(intent.matched),
        intent.would_be,
        intent.level,
        _text((*intent.flags, *flags)),
        intent.configuration,
    )


def _own_outcome(intent: Intent) -> Row:
    return intent.status, intent.overhead_us, intent.overhead_us, intent.bytes_in, intent.bytes_out, ""


def _outcome(outcome: Outcome) -> Row:
    return (
        outcome.status,
        outcome.latency_us,
        outcome.overhead_us,
        outcome.bytes_in,
        outcome.bytes_out,
        outcome.reason,
    )


def _text(values: Sequence[Any]) -> str:
    return _json.encode(values).decode() if values else "[]"


def _homes(tables: Tables, current: str, halves: list[Row]) -> dict[str, list[Row]]:
    """Which table each half belongs to: the one where its other half stands, else the current one.

    Only the month before is searched: a request does not outlive a month.
    """
    earlier = [name for name in tables.months() if name < current][:1]
    homes: dict[str, list[Row]] = {}
    for row in halves:
        home = next((name for name in earlier if _stands_in(tables, name, row)), current)
        homes.setdefault(home, []).append(row)
    return homes


def _stands_in(tables: Tables, table: str, row: Row) -> bool:
    query = f"SELECT 1 FROM {table} WHERE request_id = ? AND proxy = ?"  # noqa: S608 - our own table and column names
    found = tables.execute(query, row[1:3])
    return found.fetchone() is not None


def _upsert(table: str, replaced: Sequence[str], *more: str) -> str:
    """Insert a row, or put its half beside the other half, which gives the row its new place."""
    names, marks = ", ".join(COLUMNS), ", ".join("?" * len(COLUMNS))
    changes = ", ".join((*(f"{name} = excluded.{name}" for name in ("id", *replaced)), *more))
    return (
        f"INSERT INTO {table} ({names}) VALUES ({marks})"  # noqa: S608 - our own table and column names
        f" ON CONFLICT (request_id, proxy) DO UPDATE SET parts = {table}.parts | excluded.parts, {changes}"
    )
