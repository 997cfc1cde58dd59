"""Spike: one writer thread for SQLite under record intake and decisions together.

`python bench/spikes/sqlite_writer.py [seconds]` prints one line per arrangement: decisions (small durable writes, each
awaited) at a steady pace and their p50/p99, beside intake of records in batches, in one file or in a file of its own.
Findings: docs/decisions/0003-one-writer-thread.md.
"""

from __future__ import annotations

import asyncio
import sys
import tempfile
import time
from dataclasses import dataclass
from itertools import count
from pathlib import Path
from statistics import quantiles

from sqlalchemy import Connection, text

from tameflare.control.services.intake import Batch, Intake
from tameflare.control.store.engine import Database
from tameflare.control.store.traffic import TrafficStore, tables_of
from tameflare.link.messages import Intent, Outcome, RecordedAction
from tameflare.link.spool import frame

DECISIONS_PER_SECOND = 200


@dataclass
class Arrangement:
    """`intake`: rows per second that are delivered, 0 for none, -1 for as many as go. `rows`: per batch."""

    name: str
    intake: int
    one_file: bool
    synchronous: str = "FULL"
    rows: int = 1500
    paced: bool = True


def batch(start: int, rows: int) -> bytes:
    """Frames of `rows` requests that were let through: an intent and an outcome each."""
    parts = []
    for number in range(start, start + rows):
        request_id = f"req_{number * 0x9E3779B97F4A7C15 % (1 << 64):016x}"
        action = RecordedAction("github.pr.merge", "high", "write", {"base": "main"})
        parts.append(
            frame(
                Intent(
                    request_id, time.time(), "gtw_0123456789", "agt_0123456789", "run_0123456789", "github", (action,),
                    "PUT", "https", "api.github.com", 443, "/repos/octo/hello/pulls/7/merge", "application/json",
                    "PyGithub/2.6", "allow", "rule_allow", "allowed by an access rule", ("rule rul_0123456789",),
                    "allow", "full_enforce", (), 42,
                )
            )
        )  # fmt: skip
        parts.append(frame(Outcome(request_id, 200, 83211, 140, 312, 1841)))
    return b"".join(parts)


class Run:
    def __init__(self, arrangement: Arrangement, directory: Path, seconds: float) -> None:
        self.arrangement = arrangement
        self.end = time.perf_counter() + seconds
        self.decisions = Database.open(directory / "decisions.db")
        self.decisions.write_now(_schema)
        self.traffic = self._open_traffic(directory)
        self.latencies: list[float] = []
        self.rows = 0

    def _open_traffic(self, directory: Path) -> TrafficStore:
        if self.arrangement.one_file:
            database = self.decisions
        else:
            database = Database.open(directory / "traffic.db", synchronous=self.arrangement.synchronous)
        database.write_now(lambda connection: tables_of(connection).prepare())
        return TrafficStore(database, time.time)

    async def decide(self) -> None:
        """One decision every few milliseconds, or one after the other."""
        numbers = count()
        while (begun := time.perf_counter()) < self.end:
            await self.decisions.write(_decision(next(numbers)))
            took = time.perf_counter() - begun
            self.latencies.append(took)
            if self.arrangement.paced:
                await asyncio.sleep(max(0.0, 1 / DECISIONS_PER_SECOND - took))

    async def deliver(self, bodies: list[bytes]) -> None:
        """Batches as proxies' shippers send them: the next one after the answer."""
        rows, intake = self.arrangement.rows, Intake(self.traffic)
        for number in count():
            begun = time.perf_counter()
            if begun >= self.end:
                return
            await intake.receive("prx", Batch(f"epoch{number}", 0, bodies[number % len(bodies)]))
            self.rows += rows
            if self.arrangement.intake > 0:
                await asyncio.sleep(max(0.0, rows / self.arrangement.intake - (time.perf_counter() - begun)))

    async def both(self, bodies: list[bytes]) -> None:
        async with asyncio.TaskGroup() as tasks:
            if DECISIONS_PER_SECOND and self.arrangement.name != "intake alone":
                tasks.create_task(self.decide())
            if self.arrangement.intake:
                tasks.create_task(self.deliver(bodies))

    def close(self) -> None:
        self.decisions.close()
        if not self.arrangement.one_file:
            self.traffic.close()


def _schema(connection: Connection) -> None:
    connection.execute(text("CREATE TABLE decision (id INTEGER PRIMARY KEY, agent TEXT, body TEXT)"))


def _decision(number: int):  # type: ignore[no-untyped-def]
    row = {"id": number, "agent": "agt_0123456789", "body": "x" * 600}
    statement = text("INSERT INTO decision VALUES (:id, :agent, :body)")
    return lambda connection: connection.execute(statement, row).rowcount


def measure(arrangement: Arrangement, seconds: float) -> None:
    """Each batch is new: as many as can be stored in the time are made before."""
    speed = 40_000 if arrangement.intake < 0 else arrangement.intake
    needed = int(speed * seconds / arrangement.rows) + 2 if arrangement.intake else 0
    bodies = [batch(number * arrangement.rows, arrangement.rows) for number in range(needed)]
    with tempfile.TemporaryDirectory() as directory:
        cpu, begun = time.process_time(), time.perf_counter()
        run = Run(arrangement, Path(directory), seconds)
        asyncio.run(run.both(bodies))
        took, used = time.perf_counter() - begun, time.process_time() - cpu
        run.close()
    cuts = quantiles(run.latencies, n=100) if len(run.latencies) > 1 else [0.0] * 99
    print(
        f"{arrangement.name:42} intake {run.rows / took:8,.0f} rows/s   decisions {len(run.latencies) / took:6,.0f}/s"
        f"  p50 {cuts[49] * 1e3:7.2f} ms  p99 {cuts[98] * 1e3:7.2f} ms   cpu {used / took:4.0%}",
        flush=True,
    )


ARRANGEMENTS = (
    Arrangement("decisions alone, steady", 0, one_file=True),
    Arrangement("decisions alone, one after the other", 0, one_file=True, paced=False),
    Arrangement("intake alone", -1, one_file=False),
    Arrangement("intake alone", -1, one_file=False, synchronous="NORMAL"),
    Arrangement("one file, 5,000 rows/s", 5000, one_file=True),
    Arrangement("two files, 5,000 rows/s", 5000, one_file=False),
    Arrangement("two files, 5,000 rows/s, NORMAL", 5000, one_file=False, synchronous="NORMAL"),
    Arrangement("one file, 5,000 rows/s, batches of 100", 5000, one_file=True, rows=100),
    Arrangement("two files, 5,000 rows/s, batches of 100", 5000, one_file=False, rows=100),
    Arrangement("one file, intake as fast as it goes", -1, one_file=True),
    Arrangement("two files, intake as fast as it goes", -1, one_file=False),
)

if __name__ == "__main__":
    for chosen in ARRANGEMENTS:
        measure(chosen, float(sys.argv[1]) if len(sys.argv) > 1 else 5.0)
