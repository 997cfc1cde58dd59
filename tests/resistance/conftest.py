"""A running proxy and a scripted upstream: one pair for all modules, another for a module with `ENVIRONMENT`."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.support import upstream as scripted
from tests.support.plane import HOST, Plane, plane
from tests.support.upstream import Upstream

Served = tuple[Plane, Upstream]


@contextlib.contextmanager
def started(directory: Path, **environment: str) -> Iterator[Served]:
    with plane(directory) as made:
        double = Upstream(made.authority.issue_cert(HOST))
        with double.running():
            made.simple()
            made.start(f"{HOST}:443:127.0.0.1:{double.port}", **environment)
            yield made, double


@pytest.fixture(scope="session")
def usual(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    with started(tmp_path_factory.mktemp("plane")) as served:
        yield served


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory, request: pytest.FixtureRequest) -> Iterator[Served]:
    environment = getattr(request.module, "ENVIRONMENT", None)
    if environment is None:
        yield request.getfixturevalue("usual")
        return
    with started(tmp_path_factory.mktemp("plane"), **environment) as own:
        yield own


@pytest.fixture
def proxy(served: Served) -> Iterator[Plane]:
    """The proxy with one connector for HOST that allows everything."""
    made, _ = served
    made.simple()
    yield made
    made.hang_up()


@pytest.fixture
def upstream(served: Served) -> Upstream:
    """The upstream of HOST, polite until a test sets its `script`."""
    _, double = served
    double.script = scripted.polite
    double.seen.clear()
    return double
