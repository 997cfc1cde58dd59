"""A running control plane for each test module, with its people."""

from __future__ import annotations

import os
from collections.abc import Iterator

import httpx
import pytest
import structlog
from tests.control import running as running_
from tests.control.running import Running, running


@pytest.fixture(scope="session", autouse=True)
def all_on_postgresql(request: pytest.FixtureRequest) -> None:
    """With TAMEFLARE_TEST_DATABASE=postgresql every control plane of these tests that could be on it is."""
    if os.environ.get("TAMEFLARE_TEST_DATABASE") == "postgresql":
        running_.fresh_database = request.getfixturevalue("databases").filled


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """In a module that says `ON_BOTH = True` each test is made on SQLite and on PostgreSQL."""
    if getattr(metafunc.module, "ON_BOTH", False) and "server" in metafunc.fixturenames:
        metafunc.parametrize("server", ["sqlite", "postgresql"], indirect=True, scope="module")


@pytest.fixture(scope="module")
def server(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    directory = tmp_path_factory.mktemp("server")
    if getattr(request, "param", "") == "postgresql":
        running_.placed[directory] = request.getfixturevalue("databases").filled()
    with running(directory) as made:
        yield made


@pytest.fixture(scope="module")
def owner(server: Running) -> httpx.Client:
    return server.owner()


@pytest.fixture
def quiet() -> Iterator[None]:
    """Thousands of lines of log help nobody."""
    before = structlog.get_config()
    structlog.configure(logger_factory=structlog.ReturnLoggerFactory(), cache_logger_on_first_use=False)
    yield
    structlog.configure(**before)
