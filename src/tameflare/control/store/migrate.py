"""Opening `tameflare.db` at the schema of this version; an older file is brought up to it, after a backup."""

from __future__ import annotations

import os
import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Final

from sqlalchemy import Connection, inspect

from tameflare.control.store.engine import Database
from tameflare.core.errors import TameFlareError

HEAD: Final = "0008_actions"
_STEPS: Final = Path(__file__).parent / "migrations"


class SchemaMismatch(TameFlareError):
    """The file has a schema that this version does not know; stops the start."""

    code = "schema_mismatch"


def open_database(path: Path) -> Database:
    """Open the file or make it, and upgrade it. Raises DatabaseUnavailable, SchemaMismatch."""
    database = Database.open(path)
    try:
        upgrade(database)
    except BaseException:
        database.close()
        raise
    return database


def upgrade(database: Database) -> None:
    """Bring an open database to HEAD in one transaction; it stays as it was if a step fails."""
    present = database.read_now(revision)
    if present == HEAD:
        return
    if present is not None:
        check_known(present)
        back_up(database.path, database.path.with_name(f"{database.path.stem}-before-{HEAD}.db"))
    database.write_now(_run_steps)


def revision(connection: Connection) -> str | None:
    """The schema that a database has; None for a new file."""
    if not inspect(connection).has_table("alembic_version"):
        return None
    found: str | None = connection.exec_driver_sql("SELECT version_num FROM alembic_version").scalar()
    return found


def back_up(path: Path, copy: Path) -> None:
    """Write a consistent copy with mode 0600, also while others write; an earlier copy of that name is replaced.

    Raises OSError or sqlite3.Error.
    """
    copy.unlink(missing_ok=True)
    os.close(os.open(copy, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600))
    with closing(sqlite3.connect(path)) as source, closing(sqlite3.connect(copy)) as target:
        source.backup(target)


# Alembic takes a fifth of a second to import, and a database is seldom upgraded.


def check_known(present: str) -> None:
    """Raises SchemaMismatch for a schema that this version has no step from."""
    from alembic.script import ScriptDirectory

    known = [step.revision for step in ScriptDirectory(str(_STEPS)).walk_revisions()]
    if present not in known:
        raise SchemaMismatch(
            f"the database has schema `{present}`, which this version does not know",
            "upgrade TameFlare, or restore the backup that was made before the upgrade",
        )


def _run_steps(connection: Connection) -> None:
    from alembic.config import Config
    from alembic.runtime.environment import EnvironmentContext
    from alembic.script import ScriptDirectory

    steps = ScriptDirectory(str(_STEPS))

    def to_head(present: object, _context: object) -> object:
        return steps._upgrade_revs(HEAD, present)  # type: ignore[arg-type]  # noqa: SLF001 - as alembic's commands do

    with EnvironmentContext(Config(), steps, fn=to_head) as environment:
        environment.configure(connection=connection, transactional_ddl=True)
        with environment.begin_transaction():
            environment.run_migrations()
