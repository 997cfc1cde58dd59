"""What the record spool costs: per record, per turn, under fsync, at a steady rate, and until a reader has it all.

Run: python bench/spikes/spool.py [directory on the disk that counts]
Prints the tables of docs/decisions/0002-turn-barrier-spool.md; one process, one thread beside it for fsync.
"""

from __future__ import annotations

import os
import resource
import shutil
import sys
import tempfile
import threading
import time
from pathlib import Path

from tameflare.link.messages import Intent, Outcome, RecordedAction, SpoolPosition
from tameflare.link.spool import frame
from tameflare.proxy.backlog import Backlog
from tameflare.proxy.spool import Spool

CAP = 8 << 30
NEVER = 3600.0
now = time.perf_counter


def intent(number: int) -> Intent:
    action = RecordedAction("github.issue.create", "medium", "write", {"owner": "acme", "repo": "site"})
    return Intent(
        request_id=f"req_{number:026d}",
        time=1_700_000_000.5,
        gateway="main",
        agent="default",
        run="run_0123456789abcdef",
        connector="github",
        actions=(action,),
        method="POST",
        scheme="https",
        host="api.github.com",
        port=443,
        path="/repos/acme/site/issues",
        content_type="application/json",
        user_agent="python-httpx/0.28.1",
        verdict="allow",
        reason="access_rule",
        message="",
        matched=("rule_01",),
        would_be="allow",
        level="full_enforce",
        flags=(),
        configuration=42,
    )


INTENT = intent(1)
OUTCOME = Outcome(INTENT.request_id, 200, 12_000, 80, 1024, 4096)


class Place:
    """A fresh spool directory for each measurement."""

    def __init__(self, parent: Path) -> None:
        self._parent = parent

    def spool(self, fsync_interval: float) -> tuple[Spool, Path]:
        folder = Path(tempfile.mkdtemp(dir=self._parent))
        return Spool(folder, "bench", max_bytes=CAP, fsync_interval=fsync_interval), folder


def percentile(values: list[float], share: float) -> float:
    return sorted(values)[min(len(values) - 1, int(len(values) * share))] * 1e6


def appends(place: Place) -> None:
    spool, folder = place.spool(NEVER)
    print(f"frames: intent {len(frame(INTENT))} bytes, outcome {len(frame(OUTCOME))} bytes")
    for name, record in (("intent", INTENT), ("outcome", OUTCOME)):
        best = NEVER
        for _ in range(7):
            begun = now()
            for _ in range(20_000):
                spool.append(record)
            best = min(best, now() - begun)
            spool._parts.clear()
        print(f"append {name:8} {best / 20_000 * 1e6:6.2f} µs")
    spool.close()
    shutil.rmtree(folder)


def flushes(place: Place, fsync_interval: float, seconds: float = 2.0) -> None:
    """Turns as fast as they go: the disk is the limit, so this is the worst case."""
    for batch in (1, 4, 16, 64):
        spool, folder = place.spool(fsync_interval)
        taken: list[float] = []
        begun = now()
        while now() - begun < seconds:
            for _ in range(batch):
                spool.append(INTENT)
            before = now()
            assert spool.flush()
            taken.append(now() - before)
        rate = len(taken) * batch / (now() - begun)
        show(f"turns of {batch:2}", taken, f"{taken_mean(taken) / batch:5.2f} µs a record, {rate:9,.0f} records/s")
        spool.close()
        shutil.rmtree(folder)


def steady(place: Place, rate: int, fsync_interval: float, seconds: float = 5.0) -> None:
    """`rate` records a second in turns of one millisecond: what a busy proxy does to its loop."""
    spool, folder = place.spool(fsync_interval)
    batch, taken, busy = rate // 1000, [], 0.0
    begun = now()
    for turn in range(int(seconds * 1000)):
        while now() < begun + turn / 1000:
            time.sleep(0.0001)
        before = now()
        for _ in range(batch // 2):
            spool.append(INTENT)
            spool.append(OUTCOME)
        middle = now()
        assert spool.flush()
        taken.append(now() - middle)
        busy += now() - before
    took = now() - begun
    label = f"{rate:,}/s, fsync {'never' if fsync_interval == NEVER else f'{fsync_interval * 1000:.0f} ms'}"
    show(label, taken, f"{spool.sequence / took:8,.0f} records/s, loop busy {busy / took * 100:4.1f} %")
    spool.close()
    shutil.rmtree(folder)


def taken_mean(taken: list[float]) -> float:
    return sum(taken) / len(taken) * 1e6


def show(label: str, taken: list[float], rest: str) -> None:
    marks = "  ".join(f"{name} {percentile(taken, share):8.1f}" for name, share in (("p50", 0.5), ("p99", 0.99)))
    print(f"{label:24} flush µs: {marks}  p99.9 {percentile(taken, 0.999):8.1f}  max {max(taken) * 1e6:9.1f}  {rest}")


def synchronous(place: Place, turns: int = 300) -> None:
    """The road not taken: fsync inside the turn."""
    spool, folder = place.spool(NEVER)
    taken = []
    for _ in range(turns):
        for _ in range(20):
            spool.append(INTENT)
        before = now()
        assert spool.flush()
        os.fdatasync(spool._file)
        taken.append(now() - before)
    show("fsync in each turn of 20", taken, "")
    spool.close()
    shutil.rmtree(folder)


def refusals(place: Place, turns: int = 5_000) -> None:
    """What a turn costs while the disk takes nothing (a limit on the size of files stands for it)."""
    spool, folder = place.spool(NEVER)
    hard = resource.getrlimit(resource.RLIMIT_FSIZE)[1]
    resource.setrlimit(resource.RLIMIT_FSIZE, (1000, hard))
    taken = []
    for _ in range(turns):
        for _ in range(20):
            spool.append(INTENT)
        before = now()
        assert not spool.flush()
        taken.append(now() - before)
    resource.setrlimit(resource.RLIMIT_FSIZE, (hard, hard))
    show("refused turns of 20", taken, "")
    spool.close()
    shutil.rmtree(folder)


def reading(place: Place, count: int = 200_000) -> None:
    """How fast a shipper gets batches off the disk, beside nothing else."""
    spool, folder = place.spool(NEVER)
    for number in range(count):
        spool.append(INTENT)
        if number % 50 == 0:
            assert spool.flush()
    assert spool.flush()
    backlog, read = Backlog(folder), 0
    begun = now()
    while (batch := backlog.next_batch()) is not None:
        read += batch.count
        backlog.acknowledge(batch, SpoolPosition(batch.epoch, batch.sequence + batch.count))
    print(f"reading back {read:,} records: {read / (now() - begun):,.0f} a second")
    spool.close()
    begun = now()
    Spool(folder, "next", max_bytes=CAP).close()
    print(f"opening after a crash: {(now() - begun) * 1000:.1f} ms")
    shutil.rmtree(folder)


def main() -> None:
    parent = Path(tempfile.mkdtemp(dir=sys.argv[1] if len(sys.argv) > 1 else None))
    place = Place(parent)
    print(f"directory {parent}, python {sys.version.split()[0]}, threads {threading.active_count()}")
    appends(place)
    print("\nas fast as it goes, never fsync")
    flushes(place, NEVER)
    print("\nas fast as it goes, fsync every 100 ms")
    flushes(place, 0.1)
    print("\nsteady, turns of 1 ms")
    for rate in (2_000, 20_000, 40_000):
        for interval in (NEVER, 0.1, 0.01):
            steady(place, rate, interval)
    print()
    synchronous(place)
    refusals(place)
    reading(place)
    shutil.rmtree(parent)


if __name__ == "__main__":
    main()
