"""`python -m bench.soak idle-tunnels|requests|big-bodies`: does it last?

The whole product as in `make bench`, on loopback, with bounded work: thousands of open tunnels, a million requests,
bodies of a gigabyte. Ten thousand tunnels take `ulimit -n 40000` before it. Prints one line for each figure; ends with
1 where memory grew or the proxy got slow.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass

from bench import idle, machine, plant
from bench.load import Job, Times
from bench.plant import Plant
from tameflare.core.errors import TameFlareError

MEGABYTE = 1_000_000
ROUND_SECONDS = 10.0
CONNECTIONS = 32
CALM_SECONDS = 5.0
SETTLES = 10
MOST_PER_TUNNEL = 60_000  # bytes
MOST_GROWTH = 30 * MEGABYTE  # over all rounds but the first
MOST_FOR_A_BODY = 30 * MEGABYTE
SLOWEST = 50_000.0  # microseconds, for 99 of 100 requests beside the idle tunnels


@dataclass(frozen=True)
class Figure:
    """`good` is False where it is more than the tool stands for."""

    name: str
    value: str
    good: bool = True


def idle_tunnels(running: Plant, count: int) -> Iterator[Figure]:
    """So many tunnels, each with TLS and one request behind it, that say nothing more; and work beside them."""
    calm = Job("json", connections=8, rate=200, seconds=CALM_SECONDS, warmup=CALM_SECONDS / 5)
    alone = running.ours(calm).times_us
    before = running.memory()
    yield _times("a request at 200/s, alone", alone)
    with idle.idle_tunnels(running, count):
        each = (running.memory() - before) / count
        yield Figure(f"open tunnels: {running.health()['connections'] - 1}, memory of each", f"{each / 1000:.1f} kB")
        yield Figure("memory of the proxy", _megabytes(running.memory()), each < MOST_PER_TUNNEL)
        beside = running.ours(calm).times_us
        yield _times("a request at 200/s, beside them", beside, good=beside.p99 < SLOWEST)
    yield Figure("memory once they are closed", _megabytes(running.memory()))


def requests(running: Plant, count: int) -> Iterator[Figure]:
    """At least so many requests in rounds; memory after each. At the end each must be on record."""
    after, asked = [], 0
    while asked < count:
        found = running.ours(Job("json", connections=CONNECTIONS, seconds=ROUND_SECONDS))
        asked += found.all_answers
        after.append(running.memory())
        value = f"{_megabytes(after[-1])}, {found.per_second:,.0f} requests/s"
        yield Figure(f"memory after {asked:,} requests", value)
    growth = after[-1] - after[0]
    yield Figure("growth since the first round", _megabytes(growth), growth < MOST_GROWTH)
    _deliver(running)
    running.check_records()
    yield Figure("requests on record", f"{running.rows():,}")


def _deliver(running: Plant) -> None:
    """Wait for the records of a million requests, which the database may still be taking."""
    for _ in range(SETTLES):
        with suppress(TameFlareError):
            running.settle()
            return


def big_bodies(running: Plant, size: int) -> Iterator[Figure]:
    """A body of so many bytes up, and one down."""
    for name in ("upload", "download"):
        before = peak = running.memory()

        def watch() -> None:
            nonlocal peak
            peak = max(peak, running.memory())

        found = running.ours(Job(name, requests=1, seconds=600.0, size=size), watch)
        speed = size / found.seconds / MEGABYTE
        grown = peak - before
        value = f"{speed:,.0f} MB/s, memory at most {_megabytes(grown)} more"
        yield Figure(f"{name} of {size / MEGABYTE:,.0f} MB", value, grown < MOST_FOR_A_BODY)


def _megabytes(size: float) -> str:
    return f"{size / MEGABYTE:.1f} MB"


def _times(name: str, times: Times, *, good: bool = True) -> Figure:
    return Figure(name, f"p50 {times.p50 / 1000:.2f} ms, p99 {times.p99 / 1000:.2f} ms", good)


KINDS = {"idle-tunnels": (idle_tunnels, 10_000), "requests": (requests, 1_000_000), "big-bodies": (big_bodies, 1 << 30)}


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m bench.soak", description=__doc__)
    parser.add_argument("kind", choices=list(KINDS))
    parser.add_argument("--count", type=int, default=0, help="tunnels, requests or bytes instead of the usual number")
    chosen = parser.parse_args()
    work, usual = KINDS[chosen.kind]
    print(machine.describe())
    good = True
    try:
        with plant.running() as running:
            for figure in work(running, chosen.count or usual):
                good = good and figure.good
                print(f"{figure.name}: {figure.value}{'' if figure.good else '  (too much)'}", flush=True)
    except TameFlareError as fault:
        print(f"{fault.message}: {fault.help}")
        return 1
    return 0 if good else 1


if __name__ == "__main__":
    sys.exit(main())
