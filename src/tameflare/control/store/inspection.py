"""Looking at a database without opening it for work: whether this version can use it, and anybody now."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Final, NamedTuple

from tameflare.control.store.engine import Database
from tameflare.control.store.engine_faults import naming, translate
from tameflare.control.store.migrate import HEAD, MAIN, POST_HEAD, check, check_known, stands
from tameflare.control.store.revisions import Phase, Revisions, Standing, revisions
from tameflare.core.secret import Secret

_PATIENCE: Final = 2.0


class Schema(NamedTuple):
    """`title` is the database in words; `standing` as this version sees it, which wants `wanted`."""

    title: str
    present: Revisions
    wanted: Revisions
    standing: Standing


def inspect_file(path: Path) -> None:
    """Raises DatabaseUnavailable (locked, damaged, read-only) or SchemaMismatch (of a newer version)."""
    check_known(look_at_file(path).present)


def inspect_server(url: Secret) -> str:
    """What PostgreSQL database it is. Raises DatabaseUnavailable, or SchemaMismatch where a server would not start."""
    found = look_at_server(url)
    if found.standing is not Standing.AHEAD:
        check(found.present)
    return found.title


def look_at_file(path: Path) -> Schema:
    """The schema of a SQLite file. Raises DatabaseUnavailable."""
    try:
        return _schema(str(path), _revisions(path))
    except sqlite3.Error as fault:
        raise naming(str(path), translate(fault)) from None


def look_at_server(url: Secret) -> Schema:
    """The schema of a PostgreSQL database. Raises DatabaseUnavailable."""
    database = Database.connect(url, MAIN)
    try:
        return _schema(database.house.title, database.read_now(revisions))
    finally:
        database.close()


def _schema(title: str, present: Revisions) -> Schema:
    return Schema(title, present, Revisions(HEAD, POST_HEAD), stands(present))


def _revisions(path: Path) -> Revisions:
    """Found in a transaction that could write and does not. Raises sqlite3.Error."""
    with closing(sqlite3.connect(f"{path.absolute().as_uri()}?mode=rw", uri=True, timeout=_PATIENCE)) as connection:
        connection.isolation_level = None
        connection.execute("BEGIN IMMEDIATE")
        try:
            return Revisions(*(_last(connection, phase.table) for phase in Phase))
        finally:
            connection.execute("ROLLBACK")


def _last(connection: sqlite3.Connection, table: str) -> str | None:
    known = connection.execute("SELECT 1 FROM sqlite_master WHERE name = ?", (table,)).fetchone()
    row = connection.execute(f"SELECT version_num FROM {table}").fetchone() if known else None  # noqa: S608 - ours
    return None if row is None else str(row[0])
