"""Spool, shipper and the real intake together, while the control plane is killed and the disk is full."""

from __future__ import annotations

import asyncio
import contextlib
import resource
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

from tests.control.link_server import TOKEN
from tests.support.spooling import intent, outcome
from tests.support.waiting import until

from tameflare.control.store.traffic import TrafficStore
from tameflare.control.store.traffic_read import Filter
from tameflare.control.store.traffic_schema import COMPLETE
from tameflare.core.secret import Secret
from tameflare.proxy.shipping import Shipping
from tameflare.proxy.spool import Spool

ROUNDS = 5
REQUESTS = 60


class ControlPlane:
    """The link and its database in a process that can be killed; its port stays."""

    def __init__(self, directory: Path, listener: socket.socket) -> None:
        self._directory = directory
        self._listener = listener
        self.url = f"http://127.0.0.1:{listener.getsockname()[1]}"

    @contextlib.contextmanager
    def running(self) -> Iterator[None]:
        descriptor = self._listener.fileno()
        command = [sys.executable, "-m", "tests.control.link_server", str(self._directory), str(descriptor)]
        process = subprocess.Popen(command, pass_fds=[descriptor])
        try:
            yield
        finally:
            process.kill()
            process.wait()

    def rows(self) -> dict[str, int]:
        """What is stored of each request: COMPLETE where intent and outcome both are."""
        traffic = TrafficStore.open(self._directory / "traffic.db")
        found = asyncio.run(traffic.newest(Filter(), None, 1_000_000))
        traffic.close()
        assert len({row["request_id"] for row in found}) == len(found), "a request has one row"
        return {row["request_id"]: row["parts"] for row in found}


def write_round(spool: Spool, first: int) -> None:
    """Requests as a proxy records them: an intent in one turn, its outcome in a later one."""
    for number in range(first, first + REQUESTS):
        spool.append(intent(number))
        assert spool.flush()
        spool.append(outcome(number))
        if number % 4 == 0:
            assert spool.flush()
    assert spool.flush()


def refused_turn(spool: Spool) -> None:
    """A turn that the disk takes only a part of."""
    hard = resource.getrlimit(resource.RLIMIT_FSIZE)[1]
    resource.setrlimit(resource.RLIMIT_FSIZE, (spool._size + 400, hard))
    spool.append(intent(1_000_000))
    spool.append(intent(1_000_001))
    refused = not spool.flush()
    resource.setrlimit(resource.RLIMIT_FSIZE, (hard, hard))
    assert refused


def test_every_request_is_stored_once_and_whole(tmp_path: Path) -> None:
    (tmp_path / "server").mkdir()

    async def story(plane: ControlPlane) -> None:
        spool = Spool(tmp_path / "spool", "epoch1", max_bytes=1 << 30, segment_bytes=20_000)
        shipping = Shipping(plane.url, Secret(TOKEN), tmp_path / "spool", poll_seconds=0.01)
        task = asyncio.create_task(shipping.run())
        for turn in range(ROUNDS):
            with plane.running():
                before = shipping.delivered
                write_round(spool, turn * REQUESTS)
                refused_turn(spool)
                await until(lambda: shipping.delivered > before, "some deliveries before the kill")  # noqa: B023
        with plane.running():
            await until(lambda: shipping.waiting_bytes == 0 and shipping.problem == "", "all of it")
        task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await task
        spool.close()

    with socket.create_server(("127.0.0.1", 0)) as listener:
        plane = ControlPlane(tmp_path / "server", listener)
        asyncio.run(asyncio.wait_for(story(plane), 90))
    assert plane.rows() == {intent(number).request_id: COMPLETE for number in range(ROUNDS * REQUESTS)}
