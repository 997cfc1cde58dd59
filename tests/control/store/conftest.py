"""Databases of either kind, for tests of what both must do alike."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing
from pathlib import Path
from typing import Final

import pytest
from tests.support.postgres import Databases

from tameflare.control.store.engine import Database
from tameflare.control.store.migrate import connect_database, open_database
from tameflare.control.store.traffic import TrafficStore
from tameflare.core.secret import Secret

KINDS: Final = ("sqlite", "postgresql")


class Place:
    """Where a test's database is: a directory, or an empty database of PostgreSQL. Closes what it has opened."""

    def __init__(self, directory: Path, url: Secret | None, opened: ExitStack) -> None:
        self.directory = directory
        self.url = url
        self._opened = opened

    def plain(self, *, busy_seconds: float = 5.0) -> Database:
        """Without tables of ours."""
        if self.url is None:
            return self._keep(Database.open(self.directory / "some.db", busy_seconds=busy_seconds))
        return self._keep(Database.connect(self.url, "main", busy_seconds=busy_seconds))

    def main(self) -> Database:
        """As a server opens it."""
        if self.url is None:
            return self._keep(open_database(self.directory / "tameflare.db"))
        return self._keep(connect_database(self.url))

    def traffic(self, now: Callable[[], float]) -> TrafficStore:
        path = self.directory / "traffic.db"
        store = TrafficStore.open(path, now) if self.url is None else TrafficStore.connect(self.url, now)
        self._keep(store.database)
        return store

    def _keep(self, database: Database) -> Database:
        self._opened.enter_context(closing(database))
        return database


@pytest.fixture(params=KINDS)
def place(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Place]:
    with ExitStack() as opened:
        url = _lent(request, opened) if request.param == "postgresql" else None
        yield Place(tmp_path, url, opened)


@pytest.fixture
def on_postgresql(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Place]:
    with ExitStack() as opened:
        yield Place(tmp_path, _lent(request, opened), opened)


def _lent(request: pytest.FixtureRequest, opened: ExitStack) -> Secret:
    databases: Databases = request.getfixturevalue("databases")
    url = databases.empty()
    opened.callback(databases.give_back, url)
    return url
