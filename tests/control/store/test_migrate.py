"""Schemas: the steps lead to the tables of today, and an upgrade is all or nothing."""

from __future__ import annotations

import shutil
import sqlite3
import stat
from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection
from sqlalchemy.exc import OperationalError

from tameflare.control.store import (
    actions_schema,
    approvals_schema,
    decision_tokens,
    executions,
    feed,
    groups_schema,
    migrate,
    plan_schema,
    policies_schema,
    totals_schema,
)
from tameflare.control.store.engine import Database
from tameflare.control.store.revisions import Phase

_PRESENT = migrate.HEAD
# Each of these modules has put its tables there.
_MODULES = (
    actions_schema,
    approvals_schema,
    decision_tokens,
    executions,
    groups_schema,
    plan_schema,
    policies_schema,
    totals_schema,
)
SCHEMA = next(module.metadata for module in _MODULES)
_NEXT = """
import sqlalchemy as sa
from alembic import op
revision = "9999_more"
down_revision = "{present}"
def upgrade():
    op.add_column("users", sa.Column("language", sa.String()))
    {rest}
"""


@pytest.fixture
def next_step(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A release with one step more, written by the test."""
    steps = tmp_path / "steps"
    shutil.copytree(migrate._STEPS, steps)
    monkeypatch.setattr(migrate, "_STEPS", steps)
    return steps / "versions" / "r9999_more.py"


def schema(database: Database) -> list[tuple[object, ...]]:
    rows = database.read_now(
        lambda connection: connection.exec_driver_sql("SELECT name, sql FROM sqlite_master ORDER BY name").fetchall()
    )
    return [tuple(row) for row in rows]


def test_the_steps_lead_to_the_tables(tmp_path: Path) -> None:
    database = migrate.open_database(tmp_path / "tameflare.db")

    def compare(connection: Connection) -> list[object]:
        options = {"compare_type": True, "compare_server_default": True}
        return list(compare_metadata(MigrationContext.configure(connection, opts=options), SCHEMA))

    assert database.read_now(compare) == []
    assert any("AUTOINCREMENT" in str(sql) for name, sql in schema(database) if name == "feed")
    database.close()


def test_the_newest_step_is_the_one_that_is_opened_at() -> None:
    assert ScriptDirectory(str(migrate._STEPS)).get_heads() == [migrate.HEAD]
    after = ScriptDirectory(str(Phase.POST.folder(migrate._STEPS))).get_heads()
    assert after == ([migrate.POST_HEAD] if migrate.POST_HEAD else [])


def test_opening_again_changes_nothing(tmp_path: Path) -> None:
    first = migrate.open_database(tmp_path / "tameflare.db")
    before = schema(first)
    first.close()
    again = migrate.open_database(tmp_path / "tameflare.db")
    assert schema(again) == before
    again.close()
    assert [file.name for file in tmp_path.iterdir()] == ["tameflare.db"]


def test_an_upgrade_keeps_the_rows_and_leaves_a_private_backup(
    tmp_path: Path, next_step: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    database = migrate.open_database(tmp_path / "tameflare.db")
    database.write_now(lambda connection: feed.append(connection, b"{}", 1))
    database.close()
    next_step.write_text(_NEXT.format(present=_PRESENT, rest=""))
    monkeypatch.setattr(migrate, "HEAD", "9999_more")
    upgraded = migrate.open_database(tmp_path / "tameflare.db")
    assert upgraded.read_now(migrate.revision) == "9999_more"
    assert upgraded.read_now(lambda connection: feed.after(connection, "prx", 0, 10)).messages == [(1, b"{}")]
    upgraded.close()
    backup = tmp_path / "tameflare-before-9999_more.db"
    assert stat.S_IMODE(backup.stat().st_mode) == 0o600
    kept = Database.open(backup)
    assert kept.read_now(migrate.revision) == _PRESENT
    kept.close()


def test_a_step_that_fails_leaves_everything_as_it_was(
    tmp_path: Path, next_step: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    database = migrate.open_database(tmp_path / "tameflare.db")
    before = schema(database)
    next_step.write_text(_NEXT.format(present=_PRESENT, rest='op.execute("INSERT INTO nowhere VALUES (1)")'))
    monkeypatch.setattr(migrate, "HEAD", "9999_more")
    with pytest.raises(OperationalError, match="nowhere"):
        migrate.upgrade(database)
    assert schema(database) == before
    assert database.read_now(migrate.revision) == _PRESENT
    database.close()


def test_a_schema_of_a_later_version_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "tameflare.db"
    migrate.open_database(path).close()
    with sqlite3.connect(path) as connection:
        connection.execute("UPDATE alembic_version SET version_num = '0099_later'")
    connection.close()
    with pytest.raises(migrate.SchemaMismatch, match="has schema `0099_later`"):
        migrate.open_database(path)
