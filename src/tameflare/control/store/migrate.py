"""Opening the database at the schema of this version.

A SQLite file is brought up to it at the start, after a backup. A PostgreSQL database is made ready where it is empty,
and otherwise only by `tf db upgrade`: other servers may be at work on it.
"""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Sequence
from contextlib import closing
from pathlib import Path
from typing import Final

import structlog
from sqlalchemy import Connection

from tameflare.control.store import revisions
from tameflare.control.store.engine import Database
from tameflare.control.store.revisions import UPGRADE, Phase, Revisions, SchemaMismatch, Standing
from tameflare.core.secret import Secret

HEAD: Final = "0011_plan"
POST_HEAD: Final[str | None] = None
MAIN: Final = "main"
_STEPS: Final = revisions.STEPS
_PHASES: Final = tuple(Phase)

_log = structlog.get_logger("tameflare.database")


def open_database(path: Path) -> Database:
    """Open the file or make it, and upgrade it. Raises DatabaseUnavailable, SchemaMismatch."""
    return _opened(Database.open(path))


def connect_database(url: Secret) -> Database:
    """Connect to PostgreSQL, and make the tables where there are none. Raises DatabaseUnavailable, SchemaMismatch."""
    return _opened(Database.connect(url, MAIN))


def _opened(database: Database) -> Database:
    try:
        if database.is_file:
            upgrade(database)
        else:
            _make_or_check(database)
    except BaseException:
        database.close()
        raise
    return database


def _make_or_check(database: Database) -> None:
    present = database.read_now(revisions.revisions)
    where = stands(present)
    if where is Standing.NEW:
        upgrade(database)
    elif where is Standing.AHEAD:
        _log.warning("database.newer_schema", present=present.pre, own=HEAD, help="upgrade this server as well")
    else:
        check(present)


def upgrade(database: Database, phases: Sequence[Phase] = _PHASES) -> list[tuple[Phase, str | None, str]]:
    """Run the steps of these phases in one transaction: it stays as it was if one fails. A file is backed up before.

    Returns what was done: phase, step before and after. Raises SchemaMismatch where the database is newer.
    """
    present = database.read_now(revisions.revisions)
    check_known(present)
    if Phase.PRE not in phases and present.pre != HEAD:
        raise SchemaMismatch("the phase `post` comes after the phase `pre`", "run `tf db upgrade --phase pre` first")
    if not _ahead(present, phases):
        return []
    if database.is_file and present.pre is not None:
        back_up(database.path, database.path.with_name(f"{database.path.stem}-before-{HEAD}.db"))
    return database.write_now(lambda connection: _run(connection, phases))


def _run(connection: Connection, phases: Sequence[Phase]) -> list[tuple[Phase, str | None, str]]:
    """What is missing is looked at again: another server may have been first."""
    if connection.dialect.name == "postgresql":
        connection.exec_driver_sql("SET LOCAL statement_timeout = 0")
    missing = _ahead(revisions.revisions(connection), phases)
    for phase, _before, after in missing:
        revisions.run(connection, phase, after, _STEPS)
    return missing


def _ahead(present: Revisions, phases: Sequence[Phase]) -> list[tuple[Phase, str | None, str]]:
    """Phase, present and wanted step of each phase that is behind."""
    both = ((Phase.PRE, present.pre, HEAD), (Phase.POST, present.post, POST_HEAD))
    return [(phase, has, wanted) for phase, has, wanted in both if phase in phases and wanted and has != wanted]


def revision(connection: Connection) -> str | None:
    """The last additive step that a database has; None for a new one."""
    return revisions.revisions(connection).pre


def stands(present: Revisions) -> Standing:
    """Where a database stands, seen from this version."""
    return revisions.standing(present, Revisions(HEAD, POST_HEAD), _STEPS)


def check(present: Revisions) -> None:
    """Raises SchemaMismatch where this version cannot work on a database as it is."""
    check_known(present)
    if stands(present) is Standing.BEHIND:
        raise SchemaMismatch(f"the database has schema `{present.pre}`, and this version needs `{HEAD}`", UPGRADE)


def check_known(present: Revisions) -> None:
    """Raises SchemaMismatch for a schema that this version has no step from."""
    if stands(present) in (Standing.AHEAD, Standing.LATER):
        raise SchemaMismatch(
            f"the database has schema `{present.pre}`, which this version does not know",
            "upgrade TameFlare, or restore the backup that was made before the upgrade",
        )


def back_up(path: Path, copy: Path) -> None:
    """Write a consistent copy with mode 0600, also while others write; an earlier copy of that name is replaced.

    Raises OSError or sqlite3.Error.
    """
    copy.unlink(missing_ok=True)
    os.close(os.open(copy, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600))
    with closing(sqlite3.connect(path)) as source, closing(sqlite3.connect(copy)) as target:
        source.backup(target)
