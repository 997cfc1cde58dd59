"""A feed that follows a control plane."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.proxy.feed.sides import Plane, Proxy
from tests.support.link_server import LinkServer


@pytest.fixture
def server() -> Iterator[LinkServer]:
    running = LinkServer()
    running.start()
    yield running
    running.stop()


@pytest.fixture
def plane(server: LinkServer) -> Plane:
    return Plane(server)


@pytest.fixture
def proxy(server: LinkServer, tmp_path: Path) -> Proxy:
    return Proxy(tmp_path, server.url)
