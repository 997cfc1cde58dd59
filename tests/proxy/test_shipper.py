"""The shipper child against a control plane that is away, slow, killed, forgetful."""

from __future__ import annotations

import asyncio
import contextlib
import os
import resource
import signal
import subprocess
import sys
import threading
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest
from tests.support.link_server import TOKEN, LinkServer
from tests.support.spooling import intent
from tests.support.waiting import until, wait_for

from tameflare.core.secret import Secret
from tameflare.proxy.shipping import Shipping
from tameflare.proxy.spool import Spool


@pytest.fixture
def server() -> Iterator[LinkServer]:
    running = LinkServer()
    running.start()
    yield running
    running.stop()


@contextlib.asynccontextmanager
async def shipping(server: LinkServer, directory: Path, token: str = TOKEN) -> AsyncIterator[Shipping]:
    child = Shipping(server.url, Secret(token), directory, poll_seconds=0.01)
    task = asyncio.create_task(child.run())
    try:
        yield child
    finally:
        task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await task


class Writer:
    """Writes numbered records, a few a turn."""

    def __init__(self, directory: Path, epoch: str = "e1", first: int = 0) -> None:
        self.spool = Spool(directory, epoch, max_bytes=1 << 30, segment_bytes=4000)
        self.number = first

    def write(self, count: int) -> None:
        for _ in range(count):
            self.spool.append(intent(self.number))
            self.number += 1
            if self.number % 3 == 0:
                assert self.spool.flush()
        assert self.spool.flush()


@pytest.fixture
def writer(tmp_path: Path) -> Iterator[Writer]:
    made = Writer(tmp_path / "spool")
    yield made
    made.spool.close()


def ids(count: int) -> list[str]:
    return [intent(number).request_id for number in range(count)]


def run(story: object) -> None:
    asyncio.run(asyncio.wait_for(story, 60))  # type: ignore[arg-type]


def test_records_are_delivered_once_and_in_order(server: LinkServer, writer: Writer, tmp_path: Path) -> None:
    async def story() -> None:
        writer.write(50)
        async with shipping(server, tmp_path / "spool") as child:
            await until(lambda: len(server.rows) == 50, "what was there before")
            writer.write(50)
            await until(lambda: len(server.rows) == 100, "what came later")
            await until(lambda: child.delivered == 100 and child.waiting_bytes == 0, "the report")
            assert child.problem == ""

    run(story())
    assert server.rows == ids(100)


def test_a_control_plane_that_is_away_is_waited_for(server: LinkServer, writer: Writer, tmp_path: Path) -> None:
    async def story() -> None:
        server.stop()
        async with shipping(server, tmp_path / "spool") as child:
            writer.write(30)
            await until(lambda: "cannot be reached" in child.problem, "the problem being told")
            assert child.waiting_bytes > 0
            server.start()
            await until(lambda: len(server.rows) == 30, "delivery")
            await until(lambda: child.problem == "", "the problem being over")

    run(story())
    assert server.rows == ids(30)


def test_an_answer_that_is_lost_stores_nothing_twice(server: LinkServer, writer: Writer, tmp_path: Path) -> None:
    """The control plane stores and dies before it answers, time and again."""
    answers = iter([500, 200, 503, 503, 200, 500])
    server.taking = lambda sequence, count: (count, next(answers, 200))

    async def story() -> None:
        async with shipping(server, tmp_path / "spool"):
            for _ in range(10):
                writer.write(10)
                await until(lambda: len(server.rows) == writer.number, "each round")

    run(story())
    assert server.rows == ids(100)


def test_a_part_that_is_taken_is_gone_on_from(server: LinkServer, writer: Writer, tmp_path: Path) -> None:
    server.taking = lambda sequence, count: (max(1, count // 2), 200)

    async def story() -> None:
        writer.write(60)
        async with shipping(server, tmp_path / "spool"):
            await until(lambda: len(server.rows) == 60, "delivery by halves")

    run(story())
    assert server.rows == ids(60)


def test_a_control_plane_that_takes_nothing_is_not_hammered(server: LinkServer, writer: Writer, tmp_path: Path) -> None:
    server.taking = lambda sequence, count: (0, 200)

    async def story() -> None:
        writer.write(5)
        async with shipping(server, tmp_path / "spool") as child:
            await until(lambda: "takes no more" in child.problem, "the problem being told")
            await until(lambda: server.requests >= 4, "some attempts")
            assert server.requests < 20
            server.taking = lambda sequence, count: (count, 200)
            await until(lambda: len(server.rows) == 5, "delivery")

    run(story())


def test_a_slow_control_plane_killed_in_the_middle(server: LinkServer, writer: Writer, tmp_path: Path) -> None:
    stored, go_on = threading.Event(), threading.Event()

    def slow(sequence: int, count: int) -> tuple[int, int]:
        stored.set()
        go_on.wait(20)
        return count, 200

    server.taking = slow

    async def story() -> None:
        writer.write(20)
        async with shipping(server, tmp_path / "spool") as child:
            await until(stored.is_set, "a request that hangs")
            await asyncio.to_thread(server.stop)
            go_on.set()
            await until(lambda: child.problem != "", "the problem being told")
            server.start()
            writer.write(20)
            await until(lambda: len(server.rows) == 40, "delivery")

    run(story())
    assert server.rows == ids(40)


def test_a_killed_shipper_is_started_again(server: LinkServer, writer: Writer, tmp_path: Path) -> None:
    async def story() -> None:
        async with shipping(server, tmp_path / "spool") as child:
            for _ in range(3):
                writer.write(20)
                await until(lambda: child.pid != 0, "a child")
                pid = child.pid
                os.kill(pid, signal.SIGKILL)
                await until(lambda: child.pid != pid, "another child")  # noqa: B023
            await until(lambda: len(server.rows) == 60, "delivery")

    run(story())
    assert server.rows == ids(60)


def test_a_shipper_that_cannot_be_started_is_tried_again(
    server: LinkServer, writer: Writer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def story() -> None:
        writer.write(1)
        with monkeypatch.context() as patch:
            patch.setattr(sys, "executable", str(tmp_path / "missing"))
            async with shipping(server, tmp_path / "spool") as child:
                await until(lambda: child.problem != "", "the problem being told")
                patch.undo()
                await until(lambda: child.delivered == 1, "delivery")
                assert child.problem == ""

    run(story())


def test_records_of_a_dead_proxy_come_before_those_of_the_next(server: LinkServer, tmp_path: Path) -> None:
    async def story() -> None:
        first = Writer(tmp_path / "spool", "old")
        first.write(25)
        first.spool.close()
        second = Writer(tmp_path / "spool", "new", first=25)
        second.write(25)
        async with shipping(server, tmp_path / "spool"):
            await until(lambda: len(server.rows) == 50, "delivery")
        second.spool.close()

    run(story())
    assert server.rows == ids(50)
    assert server.positions == {"old": 25, "new": 25}


def test_a_control_plane_that_was_restored_is_sent_what_is_still_there(
    server: LinkServer, writer: Writer, tmp_path: Path
) -> None:
    async def story() -> None:
        async with shipping(server, tmp_path / "spool") as child:
            writer.write(20)
            await until(lambda: child.delivered == 20, "the first delivery")
            server.rows.clear()
            server.stored.clear()
            server.positions["e1"] = 4  # of which the spool has deleted what follows
            writer.write(3)
            await until(lambda: intent(22).request_id in server.rows, "what came later")

    run(story())
    kept = server.rows
    assert kept == ids(23)[23 - len(kept) :], "in order and without a hole"
    assert len(kept) > 3, "what was still there came again"
    assert server.gaps > 0


def test_frames_that_a_full_disk_refused_are_no_hole(server: LinkServer, writer: Writer, tmp_path: Path) -> None:
    async def story() -> None:
        writer.write(3)
        hard = resource.getrlimit(resource.RLIMIT_FSIZE)[1]
        resource.setrlimit(resource.RLIMIT_FSIZE, (writer.spool.backlog_bytes + 400, hard))
        for _ in range(3):
            writer.spool.append(intent(1000))
        refused = not writer.spool.flush()
        resource.setrlimit(resource.RLIMIT_FSIZE, (hard, hard))
        assert refused
        writer.write(3)
        async with shipping(server, tmp_path / "spool"):
            await until(lambda: len(server.rows) == 6, "delivery")

    run(story())
    assert server.rows == ids(6)
    assert server.positions == {"e1": 9}


def test_what_is_written_last_is_delivered_at_the_end(server: LinkServer, writer: Writer, tmp_path: Path) -> None:
    async def story() -> None:
        async with shipping(server, tmp_path / "spool") as child:
            writer.write(1)
            await until(lambda: child.delivered == 1, "a start")
            writer.write(40)

    run(story())
    assert server.rows == ids(41)


def test_a_wrong_token_is_told(server: LinkServer, writer: Writer, tmp_path: Path) -> None:
    async def story() -> None:
        writer.write(1)
        async with shipping(server, tmp_path / "spool", token="gwln_wrong") as child:
            await until(lambda: "refuses this proxy's link token" in child.problem, "the problem being told")

    run(story())
    assert server.rows == []
    assert server.refused_callers > 0


def test_no_secret_in_arguments_or_environment(
    server: LinkServer, writer: Writer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TF_LINK_TOKEN", TOKEN)
    monkeypatch.setenv("SETTINGS_ENCRYPTION_KEY", "c0ffee" * 10)
    monkeypatch.setenv("HTTPS_PROXY", "http://127.0.0.1:1")
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:1")

    async def story() -> None:
        async with shipping(server, tmp_path / "spool") as child:
            writer.write(1)
            await until(lambda: child.delivered == 1, "delivery past the proxies of the environment")
            proc = Path("/proc") / str(child.pid)
            arguments = (proc / "cmdline").read_bytes()
            assert b"tameflare.proxy.shipper" in arguments
            assert TOKEN.encode() not in arguments
            if os.geteuid() == 0:  # nobody else may read it at all: the child is undumpable
                environment = (proc / "environ").read_bytes()
                assert TOKEN.encode() not in environment
                assert b"c0ffee" not in environment
            assert (proc / "environ").stat().st_uid == 0

    run(story())


PARENT = """
import asyncio, sys
from pathlib import Path
from tameflare.core.secret import Secret
from tameflare.proxy.shipping import Shipping
async def main():
    child = Shipping(sys.argv[1], Secret("gwln_test-link-token"), Path(sys.argv[2]), poll_seconds=0.01)
    task = asyncio.create_task(child.run())
    while not child.pid:
        await asyncio.sleep(0.01)
    print(child.pid, flush=True)
    await task
asyncio.run(main())
"""


def test_the_child_ends_with_its_parent(server: LinkServer, tmp_path: Path) -> None:
    """A proxy that is killed has no time to say good-bye; the end of stdin says it."""
    command = [sys.executable, "-c", PARENT, server.url, str(tmp_path)]
    with subprocess.Popen(command, stdout=subprocess.PIPE) as parent:
        assert parent.stdout is not None
        child = int(parent.stdout.readline())
        assert Path(f"/proc/{child}").exists()
        parent.kill()
    wait_for(lambda: gone(child), "the child to end")


def gone(pid: int) -> bool:
    """Ended, whether or not its new parent has collected it."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] == "Z"
    except (FileNotFoundError, ProcessLookupError):
        return True
