"""A running control plane for each test module, with its people."""

from __future__ import annotations

from collections.abc import Iterator

import httpx
import pytest
from tests.control.running import Running, running


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    with running(tmp_path_factory.mktemp("server")) as made:
        yield made


@pytest.fixture(scope="module")
def owner(server: Running) -> httpx.Client:
    return server.owner()
