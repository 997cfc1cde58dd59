"""Looking at a database file without opening it for work: whether this version can use it, and anybody now."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Final

from tameflare.control.store.engine_faults import naming, translate
from tameflare.control.store.migrate import HEAD, check_known

_PATIENCE: Final = 2.0


def inspect_file(path: Path) -> None:
    """Raises DatabaseUnavailable (locked, damaged, read-only) or SchemaMismatch (of a newer version)."""
    try:
        present = _look(path)
    except sqlite3.Error as fault:
        raise naming(str(path), translate(fault)) from None
    if present not in (None, HEAD):
        check_known(present)


def _look(path: Path) -> str | None:
    """The schema, found in a transaction that could write and does not. Raises sqlite3.Error."""
    with closing(sqlite3.connect(f"{path.absolute().as_uri()}?mode=rw", uri=True, timeout=_PATIENCE)) as connection:
        connection.isolation_level = None
        connection.execute("BEGIN IMMEDIATE")
        try:
            known = connection.execute("SELECT 1 FROM sqlite_master WHERE name = 'alembic_version'").fetchone()
            row = connection.execute("SELECT version_num FROM alembic_version").fetchone() if known else None
        finally:
            connection.execute("ROLLBACK")
    return None if row is None else str(row[0])
