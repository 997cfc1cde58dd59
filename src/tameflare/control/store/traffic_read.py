"""Reading the record across its months."""

from __future__ import annotations

import sqlite3
from typing import Any, Final

import msgspec

from tameflare.control.store.traffic_schema import COLUMNS, COMPLETE, month_tables

_NAMES: Final = ", ".join(COLUMNS)

Found = dict[str, Any]


class Filter(msgspec.Struct, frozen=True):
    """What rows are wanted. `agents` and `gateways` are ids, any of which will do; `action` is a glob over action
    types, `since` Unix seconds. None or empty text: no matter."""

    agents: tuple[str, ...] | None = None
    gateways: tuple[str, ...] | None = None
    decision: str = ""
    action: str = ""
    request_id: str = ""
    since: float | None = None


def newest(raw: sqlite3.Connection, wanted: Filter, before: int | None, limit: int) -> list[Found]:
    """At most `limit` rows with an id below `before`, newest first."""
    clauses, values = _conditions(wanted)
    if before is not None:
        clauses, values = [*clauses, "id < ?"], [*values, before]
    found: list[Found] = []
    for table, last in _by_last_id(raw):
        if len(found) == limit and last < found[-1]["id"]:
            break
        found += _select(raw, table, clauses, values, "id DESC", limit)
        found.sort(key=_place, reverse=True)
        del found[limit:]
    return found


def following(raw: sqlite3.Connection, wanted: Filter, after: int, limit: int) -> list[Found]:
    """At most `limit` complete rows with an id above `after`, oldest first: each request once, when it has ended."""
    clauses, values = _conditions(wanted)
    found: list[Found] = []
    for table, last in _by_last_id(raw):
        if last > after:
            found += _select(raw, table, [*clauses, "id > ?", "parts = ?"], [*values, after, COMPLETE], "id", limit)
    return sorted(found, key=_place)[:limit]


def last_id(raw: sqlite3.Connection) -> int:
    """The id that was given last."""
    (last,) = raw.execute("SELECT last FROM counter").fetchone()
    return int(last)


def _select(
    raw: sqlite3.Connection, table: str, clauses: list[str], values: list[Any], order: str, limit: int
) -> list[Found]:
    where = f" WHERE {' AND '.join(clauses)}".format(table=table) if clauses else ""
    query = f"SELECT {_NAMES} FROM {table}{where} ORDER BY {order} LIMIT ?"  # noqa: S608 - our own table and column names
    rows = raw.execute(query, (*values, limit))
    return [dict(zip(COLUMNS, row, strict=True)) for row in rows]


def _by_last_id(raw: sqlite3.Connection) -> list[tuple[str, int]]:
    tables = [(name, _last(raw, name)) for name in month_tables(raw)]
    return sorted(tables, key=lambda entry: entry[1], reverse=True)


def _last(raw: sqlite3.Connection, table: str) -> int:
    (last,) = raw.execute(f"SELECT max(id) FROM {table}").fetchone()  # noqa: S608 - our own table and column names
    return last or 0


def _conditions(wanted: Filter) -> tuple[list[str], list[Any]]:
    clauses: list[str] = []
    values: list[Any] = []
    for column, ids in (("agent", wanted.agents), ("gateway", wanted.gateways)):
        if ids is not None:
            clauses.append(f"{column} IN ({', '.join('?' * len(ids))})")
            values += ids
    for column, value in (("decision", wanted.decision), ("request_id", wanted.request_id)):
        if value:
            clauses.append(f"{column} = ?")
            values.append(value)
    if wanted.since is not None:
        # the index on time tells where to stop; a scan by id would go on through the whole month
        clauses.append("time >= ? AND id >= (SELECT min(id) FROM {table} WHERE time >= ?)")
        values += [wanted.since, wanted.since]
    if wanted.action:
        # the first action of a row stands in a column; the few rows with several have `],[` in their list
        several = "instr(actions, '],[') AND EXISTS (SELECT 1 FROM json_each(actions) WHERE value ->> 0 GLOB ?)"
        clauses.append(f"(action GLOB ? OR {several})")
        values += [wanted.action, wanted.action]
    return clauses, values


def _place(row: Found) -> int:
    place: int = row["id"]
    return place
