"""Upgrades with data on both databases: every row stays, and the code of the version before goes on writing."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, Final

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Column, Connection, Integer, MetaData, String, Table, func, insert, inspect, select, update
from sqlalchemy.types import JSON, Boolean, Float, LargeBinary
from structlog.testing import capture_logs
from tests.control.store.conftest import Place
from tests.control.store.test_migrate import SCHEMA

from tameflare.control.store import migrate, revisions
from tameflare.control.store.engine import Database
from tameflare.control.store.migrate import SchemaMismatch
from tameflare.control.store.revisions import Phase

_PRESENT: Final = migrate.HEAD
_OURS: Final = frozenset(phase.table for phase in Phase)
_BEFORE = """
import sqlalchemy as sa
from alembic import op
revision = "9999_more"
down_revision = "{present}"
def upgrade():
    op.add_column("users", sa.Column("language", sa.String(), nullable=False, server_default="en"))
"""
_AFTER = """
from alembic import op
revision = "9999_less"
down_revision = None
def upgrade():
    op.drop_table("sessions")
"""


def steps() -> list[str]:
    """Every step of phase `pre`, in order."""
    found = ScriptDirectory(str(revisions.STEPS)).walk_revisions()
    return [step.revision for step in found][::-1]


def reflected(connection: Connection) -> MetaData:
    """The tables as they are just now, without what marks the schema."""
    metadata = MetaData()
    names = [name for name in inspect(connection).get_table_names() if name not in _OURS]
    metadata.reflect(connection, only=names)
    return metadata


def value(column: Column[Any], number: int) -> Any:
    """Something that differs from row to row and fits the column's foreign key."""
    for key in column.foreign_keys:
        return value(key.column, number)
    if isinstance(column.type, Boolean):
        return number % 2 == 0
    for kind, made in ((Integer, number), (Float, number / 4), (LargeBinary, bytes([number]))):
        if isinstance(column.type, kind):
            return made
    return {"n": [number, None]} if isinstance(column.type, JSON) else f"{column.table.name} {column.name} {number}"


def add_rows(connection: Connection, tables: MetaData, number: int) -> None:
    for table in tables.sorted_tables:
        connection.execute(insert(table).values({column: value(column, number) for column in table.columns}))


def rows(connection: Connection, tables: MetaData) -> dict[str, list[tuple[Any, ...]]]:
    """Whatever these tables know of, in any order."""
    found = {table.name: connection.execute(select(table)).all() for table in tables.sorted_tables}
    return {name: sorted(map(tuple, of_table), key=repr) for name, of_table in found.items()}


def to(database: Database, step: str) -> None:
    database.write_now(lambda connection: revisions.run(connection, Phase.PRE, step, revisions.STEPS))


def test_every_step_keeps_every_row_and_lets_the_version_before_go_on_writing(place: Place) -> None:
    database = place.plain()
    known = steps()
    to(database, known[0])
    oldest = former = database.read_now(reflected)
    for number, step in enumerate(known[1:], 1):
        database.write_now(lambda connection, number=number, former=former: add_rows(connection, former, 2 * number))
        before = database.read_now(lambda connection, former=former: rows(connection, former))
        to(database, step)
        assert database.read_now(lambda connection, former=former: rows(connection, former)) == before, step
        former_writes(database, former, 2 * number + 1)
        former = database.read_now(reflected)
    former_writes(database, oldest, 100)
    assert database.read_now(migrate.revision) == migrate.HEAD


def former_writes(database: Database, former: MetaData, number: int) -> None:
    """New rows and changed rows, by what an older version knows of the tables."""
    database.write_now(lambda connection: add_rows(connection, former, number))
    users = former.tables["users"]
    renamed = update(users).where(users.c.id == f"users id {number}").values(name="renamed")
    database.write_now(lambda connection: connection.execute(renamed).close())
    count = select(func.count()).select_from(users).where(users.c.name == "renamed", users.c.status.is_not(None))
    assert database.read_now(lambda connection: connection.scalar(count))


def test_the_steps_lead_to_the_tables_on_postgresql(on_postgresql: Place) -> None:
    database = on_postgresql.main()

    def differs(_context: Any, _found: Any, _column: Any, found: Any, wanted: Any) -> bool | None:
        """Whole numbers are wide and text is ordered by bytes, whatever the table says."""
        return (
            False if any(isinstance(found, kind) and isinstance(wanted, kind) for kind in (Integer, String)) else None
        )

    def compare(connection: Connection) -> list[object]:
        context = MigrationContext.configure(connection, opts={"compare_type": differs})
        return list(compare_metadata(context, SCHEMA))

    assert database.read_now(compare) == []


def test_numbers_are_wide_and_text_is_ordered_by_its_bytes_on_postgresql(on_postgresql: Place) -> None:
    def narrow(connection: Connection) -> list[Any]:
        return connection.exec_driver_sql(
            "SELECT table_name, column_name, data_type FROM information_schema.columns WHERE table_schema = 'public'"
            " AND table_name NOT LIKE 'alembic%%' AND (data_type IN ('integer', 'smallint', 'real')"
            " OR data_type = 'character varying' AND collation_name IS DISTINCT FROM 'C')"
        ).fetchall()

    assert on_postgresql.main().read_now(narrow) == []


@pytest.fixture
def next_release(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> pytest.MonkeyPatch:
    """A release with one step more in each phase, once `release` is called; undone it is this one again."""
    copied = tmp_path / "steps"
    shutil.copytree(revisions.STEPS, copied)
    (copied / "versions" / "r9999_more.py").write_text(_BEFORE.format(present=_PRESENT))
    (copied / "post" / "versions" / "r9999_less.py").write_text(_AFTER)
    return monkeypatch


def release(patch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    patch.setattr(migrate, "_STEPS", tmp_path / "steps")
    patch.setattr(migrate, "HEAD", "9999_more")
    patch.setattr(migrate, "POST_HEAD", "9999_less")


def test_a_release_reaches_postgresql_in_two_phases(
    on_postgresql: Place, next_release: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    former = on_postgresql.main()
    sessions = Table("sessions", MetaData(), Column("id", String))

    def count(connection: Connection) -> Any:
        return connection.scalar(select(func.count()).select_from(sessions))

    with next_release.context() as patch:
        release(patch, tmp_path)
        with pytest.raises(SchemaMismatch, match="needs `9999_more`") as caught:
            on_postgresql.main()
        assert caught.value.help == "run `tf db upgrade`"
        with pytest.raises(SchemaMismatch, match="comes after"):
            migrate.upgrade(former, [Phase.POST])
        assert migrate.upgrade(former, [Phase.PRE]) == [(Phase.PRE, _PRESENT, "9999_more")]
        assert migrate.upgrade(former, [Phase.PRE]) == []
        assert on_postgresql.main().read_now(count) == 0, "the new version starts before the second phase"

    with capture_logs() as logs:
        assert on_postgresql.main().read_now(count) == 0, "and the old one starts as well"
    assert [entry["event"] for entry in logs] == ["database.newer_schema"]

    with next_release.context() as patch:
        release(patch, tmp_path)
        assert migrate.upgrade(former) == [(Phase.POST, None, "9999_less")]
        on_postgresql.main()
    with pytest.raises(SchemaMismatch, match="does not know"):
        on_postgresql.main()


def test_a_release_reaches_a_file_at_its_start_after_a_backup(next_release: pytest.MonkeyPatch, tmp_path: Path) -> None:
    path = tmp_path / "tameflare.db"
    migrate.open_database(path).close()
    with next_release.context() as patch:
        release(patch, tmp_path)
        opened = migrate.open_database(path)
        assert not opened.read_now(lambda connection: inspect(connection).has_table("sessions"))
        opened.close()
    kept = Database.open(tmp_path / "tameflare-before-9999_more.db")
    assert kept.read_now(lambda connection: inspect(connection).has_table("sessions"))
    kept.close()
    with pytest.raises(SchemaMismatch, match="does not know"):
        migrate.open_database(path)


def test_a_step_that_fails_leaves_postgresql_as_it_was(
    on_postgresql: Place, next_release: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    database = on_postgresql.main()
    (tmp_path / "steps" / "post" / "versions" / "r9999_less.py").write_text(_AFTER.replace("sessions", "nowhere"))
    release(next_release, tmp_path)
    with pytest.raises(Exception, match="nowhere"):
        migrate.upgrade(database)
    assert database.read_now(migrate.revision) == _PRESENT
    assert "language" not in database.read_now(reflected).tables["users"].columns


def test_servers_that_start_at_once_on_an_empty_database_make_its_tables_once(on_postgresql: Place) -> None:
    with ThreadPoolExecutor(3) as threads:
        opened = list(threads.map(lambda _number: on_postgresql.main(), range(3)))
    assert {database.read_now(migrate.revision) for database in opened} == {migrate.HEAD}


def test_a_server_does_not_start_on_the_schema_of_another_version(on_postgresql: Place, tmp_path: Path) -> None:
    assert on_postgresql.url is not None
    to(on_postgresql.plain(), steps()[0])
    settings = {"PATH": os.environ["PATH"], "TF_DATA_DIR": str(tmp_path / "data"), "TF_PORT": "0"}
    done = subprocess.run(
        [sys.executable, "-m", "tameflare.control"],
        env={**settings, "DATABASE_URL": on_postgresql.url.reveal()},
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert done.returncode == 3, done.stderr
    said = f"tf: the database has schema `{steps()[0]}`, and this version needs `{migrate.HEAD}`; run `tf db upgrade`"
    assert said in done.stderr.splitlines()
