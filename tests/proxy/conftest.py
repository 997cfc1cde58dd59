"""A running proxy in front of scripted upstreams, one of each for a module.

A module may set `ENVIRONMENT`, the settings that its proxy runs with.
"""

from __future__ import annotations

from collections.abc import Iterator

import pytest
import trustme
from tests.support import upstream as scripted
from tests.support.plane import HOST, RAW, Plane, plane
from tests.support.upstream import Upstream


@pytest.fixture(scope="module")
def parts(
    tmp_path_factory: pytest.TempPathFactory, request: pytest.FixtureRequest
) -> Iterator[tuple[Plane, Upstream, Upstream]]:
    """A proxy, an upstream on TLS, and one without that sees the very bytes."""
    with plane(tmp_path_factory.mktemp("plane")) as made:
        double, raw = (Upstream(made.authority.issue_cert(HOST)) for _ in range(2))
        with double.running(), raw.running(encrypted=False):
            made.simple()
            pins = f"{HOST}:443:127.0.0.1:{double.port},{RAW}:443:127.0.0.1:{raw.port}"
            made.start(pins, **getattr(request.module, "ENVIRONMENT", {}))
            yield made, double, raw


@pytest.fixture(scope="module")
def served(parts: tuple[Plane, Upstream, Upstream]) -> tuple[Plane, Upstream]:
    return parts[0], parts[1]


@pytest.fixture
def raw(parts: tuple[Plane, Upstream, Upstream]) -> Upstream:
    """The upstream of RAW, which speaks no TLS: for tunnels that are not opened."""
    return parts[2]


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
