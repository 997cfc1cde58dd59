"""A running proxy in front of a scripted upstream, one of each for a module.

A module may set `ENVIRONMENT`, the settings that its proxy runs with.
"""

from __future__ import annotations

from collections.abc import Iterator

import pytest
import trustme
from tests.support import upstream as scripted
from tests.support.plane import HOST, Plane, plane
from tests.support.upstream import Upstream


@pytest.fixture(scope="module")
def served(
    tmp_path_factory: pytest.TempPathFactory, request: pytest.FixtureRequest
) -> Iterator[tuple[Plane, Upstream]]:
    with plane(tmp_path_factory.mktemp("plane")) as made:
        double = Upstream(made.authority.issue_cert(HOST))
        with double.running():
            made.simple()
            made.start(f"{HOST}:443:127.0.0.1:{double.port}", **getattr(request.module, "ENVIRONMENT", {}))
            yield made, double


@pytest.fixture
def proxy(served: tuple[Plane, Upstream]) -> Iterator[Plane]:
    """The proxy with one connector for HOST that allows everything."""
    made, _ = served
    made.simple()
    yield made
    made.hang_up()


@pytest.fixture
def upstream(served: tuple[Plane, Upstream]) -> Upstream:
    """The upstream of HOST, polite until a test sets its `script`."""
    _, double = served
    double.script = scripted.polite
    double.seen.clear()
    return double


@pytest.fixture
def authority(served: tuple[Plane, Upstream]) -> trustme.CA:
    """Who signs upstream certificates."""
    return served[0].authority
