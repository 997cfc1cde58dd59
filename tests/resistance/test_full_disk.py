"""A disk that is full under a running proxy: what cannot be recorded is not sent, and what was sent is on record."""

from __future__ import annotations

import os
import resource
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from tests.resistance.raw import allowed_paths, paths
from tests.support.clients import request
from tests.support.plane import HOST, Plane, plane
from tests.support.upstream import Upstream
from tests.support.waiting import wait_for

MOST = 3000
FILE_LIMIT = 6_000


@contextmanager
def unheard(directory: Path) -> Iterator[tuple[Plane, Upstream]]:
    """A proxy whose control plane takes no record for now."""
    with plane(directory) as made:
        made.link.taking = lambda sequence, count: (0, 503)
        double = Upstream(made.authority.issue_cert(HOST))
        with double.running():
            made.simple()
            made.start(f"{HOST}:443:127.0.0.1:{double.port}")
            yield made, double


def ask(proxy: Plane, first: int, count: int) -> dict[str, int]:
    """Status by path, one request after the other."""
    wire = proxy.tunnel()
    found = {}
    for number in range(first, first + count):
        wire.send(request(path=f"/disk/{number}"))
        found[f"/disk/{number}"] = wire.reply().status
    return found


def check_what_was_promised(proxy: Plane, upstream: Upstream, statuses: dict[str, int]) -> None:
    """The control plane is there again: exactly what was answered with 200 has been sent, and is on record once."""
    answered = [path for path, status in statuses.items() if status == 200]
    assert paths(upstream) == answered
    assert set(statuses.values()) == {200, 503}
    proxy.link.taking = lambda sequence, count: (count, 200)
    wait_for(lambda: len(allowed_paths(proxy, "/disk/")) >= len(answered), "delivery")
    wait_for(lambda: proxy.health()["spool"]["waiting_bytes"] == 0, "nothing waits")
    assert allowed_paths(proxy, "/disk/") == answered


def test_files_that_may_not_grow(tmp_path: Path) -> None:
    """A limit on the size of files stands for a quota; it needs no rights to set."""
    with unheard(tmp_path) as (proxy, upstream):
        assert proxy.process is not None
        whole = resource.prlimit(proxy.process.pid, resource.RLIMIT_FSIZE)
        resource.prlimit(proxy.process.pid, resource.RLIMIT_FSIZE, (FILE_LIMIT, whole[1]))
        statuses = ask(proxy, 0, 200)
        resource.prlimit(proxy.process.pid, resource.RLIMIT_FSIZE, whole)
        statuses |= ask(proxy, 200, 20)
        assert set(list(statuses.values())[-20:]) == {200}
        check_what_was_promised(proxy, upstream, statuses)


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A file system of 256 KiB for the records; needs the right to mount."""
    place = tmp_path / "data" / "proxy" / "spool"
    place.mkdir(parents=True, mode=0o700)
    for folder in (tmp_path / "data", tmp_path / "data" / "proxy"):
        folder.chmod(0o700)
    mount = ["mount", "-t", "tmpfs", "-o", "size=256k,mode=700", "tameflare-test", str(place)]
    if os.geteuid() != 0 or subprocess.run(mount, capture_output=True).returncode != 0:
        pytest.skip("mounting a small file system takes root")
    yield place
    subprocess.run(["umount", str(place)], check=True)


def test_a_file_system_without_room(small_disk: Path, tmp_path: Path) -> None:
    with unheard(tmp_path) as (proxy, upstream):
        statuses: dict[str, int] = {}
        while 503 not in statuses.values():
            assert len(statuses) < MOST, "the disk never filled"
            statuses |= ask(proxy, len(statuses), 100)
        assert any("cannot be written" in problem for problem in proxy.health()["problems"])
        check_what_was_promised(proxy, upstream, statuses)
        before = len(statuses)
        after = ask(proxy, before, 20)
        assert set(after.values()) == {200}, "records are taken again once others are delivered"
