"""Which schema a database has, and whether this version can work on it.

There are two chains of steps. Those of `migrations/versions` only add, and are run before the new code (phase `pre`):
the old code goes on working. Those of `migrations/post/versions` take away what no code uses any more, and are run when
the old code is gone (phase `post`). So a version knows by the second chain alone whether a schema that is newer than
itself still has everything that it needs.
"""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import Final, NamedTuple

from sqlalchemy import Column, Connection, MetaData, String, Table, inspect, select

from tameflare.core.errors import TameFlareError

STEPS: Final = Path(__file__).parent / "migrations"
UPGRADE: Final = "run `tf db upgrade`"


class Phase(StrEnum):
    """When steps are run: before the new code, or after the old code is gone."""

    PRE = "pre"
    POST = "post"

    @property
    def table(self) -> str:
        """Where a database says how far it has come."""
        return "alembic_version" if self is Phase.PRE else "alembic_version_post"

    def folder(self, steps: Path) -> Path:
        return steps if self is Phase.PRE else steps / "post"


class Revisions(NamedTuple):
    """The last step of each phase; None: none yet."""

    pre: str | None
    post: str | None


class Standing(StrEnum):
    """A database seen from this version. `new`: nothing is in it. `behind`: `tf db upgrade` mends that. `ahead`: newer,
    and fit for this version too. `later`: newer, and no longer fit."""

    NEW = "new"
    CURRENT = "current"
    BEHIND = "behind"
    AHEAD = "ahead"
    LATER = "later"


class SchemaMismatch(TameFlareError):
    """The database has a schema that this version cannot work on; stops the start."""

    code = "schema_mismatch"


def revisions(connection: Connection) -> Revisions:
    """How far the database has come."""
    known = inspect(connection)
    return Revisions(*(_last(connection, phase.table) if known.has_table(phase.table) else None for phase in Phase))


def _last(connection: Connection, name: str) -> str | None:
    column: Column[str] = Column("version_num", String)
    found: str | None = connection.scalar(select(Table(name, MetaData(), column).c.version_num))
    return found


def standing(present: Revisions, wanted: Revisions, steps: Path) -> Standing:
    """Where a database stands. A step of phase `post` that has not been run keeps nobody from working."""
    if present.pre is None:
        return Standing.NEW
    if present.post != wanted.post and not _knows(steps, Phase.POST, present.post):
        return Standing.LATER
    if present.pre == wanted.pre:
        return Standing.CURRENT
    return Standing.BEHIND if _knows(steps, Phase.PRE, present.pre) else Standing.AHEAD


def _knows(steps: Path, phase: Phase, revision: str | None) -> bool:
    # Alembic takes a fifth of a second to import, and a database is seldom upgraded.
    from alembic.script import ScriptDirectory

    known = (step.revision for step in ScriptDirectory(str(phase.folder(steps))).walk_revisions())
    return revision is None or revision in known


def run(connection: Connection, phase: Phase, target: str, steps: Path) -> None:
    """Run the steps of a phase up to `target`, inside the caller's transaction."""
    from alembic.config import Config
    from alembic.runtime.environment import EnvironmentContext
    from alembic.script import ScriptDirectory

    scripts = ScriptDirectory(str(phase.folder(steps)))

    def to_target(present: object, _context: object) -> object:
        return scripts._upgrade_revs(target, present)  # type: ignore[arg-type]  # noqa: SLF001 - as alembic's commands do

    with EnvironmentContext(Config(), scripts, fn=to_target) as environment:
        environment.configure(connection=connection, transactional_ddl=True, version_table=phase.table)
        with environment.begin_transaction():
            environment.run_migrations()
