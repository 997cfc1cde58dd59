"""A running control plane for each test module, with its people."""

from __future__ import annotations

import os
from collections.abc import Iterator

import httpx
import pytest
from tests.control import running as running_
from tests.control.running import Running, running


@pytest.fixture(scope="session", autouse=True)
def all_on_postgresql(request: pytest.FixtureRequest) -> None:
    """With TAMEFLARE_TEST_DATABASE=postgresql every control plane of these tests that could be on it is."""
    if os.environ.get("TAMEFLARE_TEST_DATABASE") == "postgresql":
        running_.fresh_database = request.getfixturevalue("databases").filled


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    with running(tmp_path_factory.mktemp("server")) as made:
        yield made


@pytest.fixture(scope="module")
def owner(server: Running) -> httpx.Client:
    return server.owner()
