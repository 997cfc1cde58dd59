"""A server that is killed, or whose disk fills, while records come in."""

from __future__ import annotations

import asyncio
import contextlib
import random
import socket
import subprocess
import sys
import threading
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
from tests.control.link_server import TOKEN
from tests.control.records import frames, pair, refusal
from tests.support.waiting import wait_for

from tameflare.control.store.traffic import TrafficStore
from tameflare.control.store.traffic_read import Filter
from tameflare.link.messages import FEED_PATH, RECORDS_PATH, Record

BATCH = 30


@contextlib.contextmanager
def serving(directory: Path, *limit: str) -> Iterator[tuple[subprocess.Popen[bytes], str]]:
    """A link server in a process of its own; killed at the end."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        url = f"http://127.0.0.1:{listener.getsockname()[1]}"
        command = [sys.executable, "-m", "tests.control.link_server", str(directory), str(listener.fileno()), *limit]
        process = subprocess.Popen(command, pass_fds=[listener.fileno()])
    try:
        wait_for(lambda: _answers(url), "the server answers")
        yield process, url
    finally:
        process.kill()
        process.wait()


def _answers(url: str) -> bool:
    with contextlib.suppress(httpx.HTTPError):
        return httpx.get(url + FEED_PATH, trust_env=False).status_code == 401
    return False


def send(client: httpx.Client, url: str, records: list[Record], start: int) -> httpx.Response:
    place = {"authorization": f"Bearer {TOKEN}", "x-tameflare-epoch": "e1", "x-tameflare-sequence": str(start)}
    return client.post(url + RECORDS_PATH, content=frames(records[start : start + BATCH]), headers=place)


def deliver(url: str, records: list[Record], start: int, acknowledged: list[int]) -> str:
    """Send in order from `start` until the end or a refusal; returns the refusal's code."""
    with httpx.Client(trust_env=False) as client:
        while start < len(records):
            answer = send(client, url, records, start)
            if answer.status_code != 200:
                return str(answer.json()["code"])
            start = answer.json()["sequence"]
            acknowledged.append(start)
    return ""


def stored(directory: Path) -> dict[str, tuple[int, int]]:
    """Parts and status by request; fails where a request has two rows."""
    traffic = TrafficStore.open(directory / "traffic.db")
    rows = asyncio.run(traffic.newest(Filter(), None, 1_000_000))
    traffic.close()
    assert [name for name, times in Counter(row["request_id"] for row in rows).items() if times > 1] == []
    return {row["request_id"]: (row["parts"], row["status"]) for row in rows}


def mixture(count: int) -> list[Record]:
    """Pairs whose halves fall into different batches, between refusals."""
    halves = [pair(f"r{number}") for number in range(count)]
    records: list[Record] = []
    for number, (intent, _) in enumerate(halves):
        records += [intent, refusal(f"x{number}")]
        records += [halves[number - 20][1]] if number >= 20 else []
    return [*records, *(outcome for _, outcome in halves[-20:])]


def test_killing_the_server_under_load_loses_and_doubles_nothing(tmp_path: Path) -> None:
    records = mixture(2000)
    chance = random.Random(11)
    acknowledged = [0]
    for kill_after in (1, 5, 17):
        with serving(tmp_path) as (process, url):
            reached = len(acknowledged) + kill_after
            killer = threading.Thread(
                target=lambda until=reached, victim=process: (
                    wait_for(lambda: len(acknowledged) >= until, "some deliveries"),
                    victim.kill(),
                )
            )
            killer.start()
            with pytest.raises(httpx.HTTPError):
                deliver(url, records, max(0, acknowledged[-1] - chance.randrange(2 * BATCH)), acknowledged)
            killer.join()
        missing = {record.request_id for record in records[: acknowledged[-1]]} - stored(tmp_path).keys()
        assert missing == set(), "acknowledged and not stored"
    with serving(tmp_path) as (_, url):
        assert deliver(url, records, 0, acknowledged) == ""
    assert acknowledged[-1] == len(records)
    expected = {f"r{number}": (3, 200) for number in range(2000)} | {f"x{number}": (3, 403) for number in range(2000)}
    assert stored(tmp_path) == expected


def test_a_full_disk_is_503_and_delivery_goes_on_when_there_is_room(tmp_path: Path) -> None:
    records = mixture(3000)
    acknowledged = [0]
    with serving(tmp_path, str(1 << 20)) as (_, url):
        assert deliver(url, records, 0, acknowledged) == "database_unavailable"
        with httpx.Client(trust_env=False) as client:
            answer = send(client, url, records, acknowledged[-1])
            assert answer.status_code == 503
            assert answer.json()["message"] in ("the disk is full", "the disk answers with a fault")
    reached = acknowledged[-1]
    assert 0 < reached < len(records)
    assert stored(tmp_path).keys() == {record.request_id for record in records[:reached]}
    with serving(tmp_path) as (_, url):
        assert deliver(url, records, reached, acknowledged) == ""
    assert set(stored(tmp_path).values()) == {(3, 200), (3, 403)}
    assert len(stored(tmp_path)) == 6000
