"""Looking after the schema of the installation's database without running a server: `tf db`."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

from tameflare.control.store import inspection, migrate
from tameflare.control.store.engine import Database
from tameflare.control.store.inspection import Schema
from tameflare.control.store.opening import check_driver
from tameflare.control.store.revisions import Phase, Revisions, Standing
from tameflare.control.store.traffic import TrafficStore
from tameflare.core.secret import Secret
from tameflare.process import hold_lock, private_directory
from tameflare.settings import ALLOW_WIDE_PERMISSIONS, DATA_DIR, DATABASE_URL, Settings


class Step(NamedTuple):
    """What was done in a phase: the last step before and after; None: there was none."""

    phase: Phase
    before: str | None
    after: str


class Upgraded(NamedTuple):
    """`title` is the database in words, `steps` is empty where there was nothing to do."""

    title: str
    steps: Sequence[Step]


def upgrade(settings: Settings, phases: Sequence[Phase]) -> Upgraded:
    """Run the missing steps of these phases. Raises TameFlareError; on SQLite also where a server has the file."""
    url = settings.get(DATABASE_URL)
    return _on_server(url, phases) if url else _in_file(settings, phases)


def status(settings: Settings) -> Schema:
    """The database's schema as this version sees it. Raises DatabaseUnavailable, SettingError."""
    url = settings.get(DATABASE_URL)
    if url:
        check_driver()
        return inspection.look_at_server(url)
    path = _file(settings.get(DATA_DIR))
    if path.exists():
        return inspection.look_at_file(path)
    return Schema(str(path), Revisions(None, None), Revisions(migrate.HEAD, migrate.POST_HEAD), Standing.NEW)


def _on_server(url: Secret, phases: Sequence[Phase]) -> Upgraded:
    check_driver()
    done = _upgraded(Database.connect(url, migrate.MAIN), phases)
    if Phase.PRE in phases:
        TrafficStore.connect(url).close()
    return done


def _in_file(settings: Settings, phases: Sequence[Phase]) -> Upgraded:
    wide = settings.get(ALLOW_WIDE_PERMISSIONS)
    path = _file(private_directory(settings.get(DATA_DIR), allow_wide=wide))
    own = private_directory(path.parent, allow_wide=wide)
    with hold_lock(own / "server.lock", "server"):
        return _upgraded(Database.open(path), phases)


def _upgraded(database: Database, phases: Sequence[Phase]) -> Upgraded:
    try:
        return Upgraded(database.house.title, [Step(*done) for done in migrate.upgrade(database, phases)])
    finally:
        database.close()


def _file(directory: Path) -> Path:
    return directory / "server" / "tameflare.db"
