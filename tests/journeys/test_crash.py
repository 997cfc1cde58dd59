"""`kill -9` of proxy and server under load: what reached the upstream is on record, once, and so is every answer."""

from __future__ import annotations

import os
import signal
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest
from tests.support.doubles import Vendors
from tests.support.load import PREFIX, THREADS, Load
from tests.support.processes import kill, processes
from tests.support.product import Governed, Row, installed

from tameflare.demo.product import wait_until

BEFORE = AFTER = 150


@pytest.fixture
def own(tmp_path: Path, vendors: Vendors) -> Iterator[Governed]:
    """An installation that may be broken."""
    with installed(tmp_path, vendors) as governed:
        yield governed


@contextmanager
def loaded(governed: Governed) -> Iterator[Load]:
    """Load before, during and after what happens within."""
    with Load(governed) as load:
        wait_until(lambda: len(load.answered) >= BEFORE, "the load to begin")
        yield load
        goal = len(load.answered) + AFTER
        wait_until(lambda: len(load.answered) >= goal, "the load to go on")


def rows(governed: Governed) -> list[Row]:
    """Every record of the load, oldest last."""
    found, cursor = [], None
    while True:
        query = {"limit": 200, **({"cursor": cursor} if cursor else {})}
        page = governed.product.api("GET", "/api/dashboard/traffic", **query)
        found += [row for row in page["items"] if row["path"].startswith(PREFIX)]
        cursor = page["next_cursor"]
        if not cursor:
            return found


def compare(governed: Governed, load: Load, mark: int, in_flight: int) -> None:
    """Upstream, clients and records tell the same story, and there is a story.

    At most `in_flight` records may lack their outcome: those of requests that a killed proxy had in hand.
    """
    assert len(load.answered) >= BEFORE
    answered = {answer.request_id: answer for answer in load.answered}
    assert len(answered) == len(load.answered)
    seen = [
        (entry.method, entry.path) for entry in governed.vendors.ledger.since(mark) if entry.host == "api.github.com"
    ]

    def told() -> bool:
        found = rows(governed)
        everything = set(seen) <= {(row["method"], row["path"]) for row in found}
        return everything and answered.keys() <= {row["request_id"] for row in found}

    wait_until(told, "everything that was answered, or seen upstream, to be on record", 30)
    recorded = rows(governed)
    assert [name for name, times in Counter(row["request_id"] for row in recorded).items() if times > 1] == []
    assert [name for name, times in Counter(row["path"] for row in recorded).items() if times > 1] == []
    writes = Counter(entry for entry in seen if entry[0] == "PUT")
    assert [entry for entry, times in writes.items() if times > 1] == []
    for row in recorded:
        answer = answered.get(row["request_id"])
        if answer is not None and row["complete"]:
            assert (row["status"], row["path"]) == (answer.status, answer.path)
    assert len([row for row in recorded if not row["complete"]]) <= in_flight


@pytest.mark.parametrize("module", ["tameflare.proxy", "tameflare.control", "tameflare.proxy.shipper"])
def test_kill_under_load(own: Governed, module: str) -> None:
    mark = len(own.vendors.ledger)
    with loaded(own) as load:
        kill(own, module)
    cuts = module == "tameflare.proxy"
    assert bool(load.broken) == cuts
    compare(own, load, mark, THREADS if cuts else 0)


def test_kill_of_everything_at_once(own: Governed) -> None:
    mark = len(own.vendors.ledger)
    with Load(own) as load:
        wait_until(lambda: len(load.answered) >= BEFORE, "the load to begin")
        for pid in reversed(list(processes(own.product.pid))):
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        own.product.stop()
    own.product.start()
    compare(own, load, mark, THREADS)
