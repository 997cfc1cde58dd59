"""Reading the record across its months."""

from __future__ import annotations

from typing import Any, Final

import msgspec

from tameflare.control.store.traffic_schema import COLUMNS, COMPLETE, Tables

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


def newest(tables: Tables, wanted: Filter, before: int | None, limit: int) -> list[Found]:
    """At most `limit` rows with an id below `before`, newest first."""
    clauses, values = _conditions(tables, wanted)
    if before is not None:
        clauses, values = [*clauses, "id < ?"], [*values, before]
    found: list[Found] = []
    for table, last in _by_last_id(tables):
        if len(found) == limit and last < found[-1]["id"]:
            break
        found += _select(tables, table, clauses, values, "id DESC", limit)
        found.sort(key=_place, reverse=True)
        del found[limit:]
    return found


def following(tables: Tables, wanted: Filter, after: int, limit: int) -> list[Found]:
    """At most `limit` complete rows with an id above `after`, oldest first: each request once, when it has ended."""
    clauses, values = _conditions(tables, wanted)
    found: list[Found] = []
    for table, last in _by_last_id(tables):
        if last > after:
            found += _select(tables, table, [*clauses, "id > ?", "parts = ?"], [*values, after, COMPLETE], "id", limit)
    return sorted(found, key=_place)[:limit]


def last_id(tables: Tables) -> int:
    """The id that was given last."""
    (last,) = tables.execute("SELECT last FROM counter").fetchone()
    return int(last)


def _select(tables: Tables, table: str, clauses: list[str], values: list[Any], order: str, limit: int) -> list[Found]:
    where = f" WHERE {' AND '.join(clauses)}".format(table=table) if clauses else ""
    query = f"SELECT {_NAMES} FROM {table}{where} ORDER BY {order} LIMIT ?"  # noqa: S608 - our own table and column names
    rows = tables.execute(query, (*values, limit))
    return [dict(zip(COLUMNS, row, strict=True)) for row in rows]


def _by_last_id(tables: Tables) -> list[tuple[str, int]]:
    months = [(name, _last(tables, name)) for name in tables.months()]
    return sorted(months, key=lambda entry: entry[1], reverse=True)


def _last(tables: Tables, table: str) -> int:
    (last,) = tables.execute(f"SELECT max(id) FROM {table}").fetchone()  # noqa: S608 - our own table and column names
    return last or 0


def _conditions(tables: Tables, wanted: Filter) -> tuple[list[str], list[Any]]:
    clauses: list[str] = []
    values: list[Any] = []
    for column, ids in (("agent", wanted.agents), ("gateway", wanted.gateways)):
        if ids is not None:
            clauses.append(f"{column} IN ({', '.join('?' * len(ids))})" if ids else "1 = 0")
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
        clause, globs = tables.action_fits(wanted.action)
        clauses.append(clause)
        values += globs
    return clauses, values


def _place(row: Found) -> int:
    place: int = row["id"]
    return place
