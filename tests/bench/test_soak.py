"""The soak tools give their figures, for little work."""

from __future__ import annotations

import shutil
import sys
from collections.abc import Iterator

import pytest

from bench import plant, soak

pytestmark = [
    pytest.mark.skipif(sys.platform != "linux", reason="the tools use epoll and /proc"),
    pytest.mark.skipif(shutil.which("gcc") is None, reason="make bench installs gcc; make test does without"),
]


@pytest.fixture(scope="module")
def running() -> Iterator[plant.Plant]:
    with plant.running() as made:
        yield made


def test_idle_tunnels(running: plant.Plant, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(soak, "CALM_SECONDS", 0.3)
    figures = list(soak.idle_tunnels(running, 20))
    assert figures[1].name == "open tunnels: 20, memory of each"
    assert len(figures) == 5


def test_big_bodies(running: plant.Plant) -> None:
    up, down = soak.big_bodies(running, 2_000_000)
    assert (up.name, down.name) == ("upload of 2 MB", "download of 2 MB")
    assert up.good
    assert down.good


def test_requests(running: plant.Plant, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(soak, "ROUND_SECONDS", 0.2)
    before = running.rows()
    figures = list(soak.requests(running, 100))
    assert [figure.name for figure in figures[-2:]] == ["growth since the first round", "requests on record"]
    assert running.rows() - before >= 100
