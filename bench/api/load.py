"""The load generator: one process, one event loop, so many connections that each ask again and again.

`python -m bench.api.load` reads a Job as JSON from its input and prints a Found. With a rate, requests are due at fixed
times, and a request's time counts from when it was due: a pause is seen by all requests that fall into it.
"""

from __future__ import annotations

import asyncio
import json
import subprocess
import sys
import time
from itertools import count
from typing import Final

import msgspec
import uvloop

from bench.machine import Cores
from tameflare.core.errors import TameFlareError

MARGIN_SECONDS: Final = 30.0
QUANTILES: Final = 1000
_END: Final = b"\r\n\r\n"
_LENGTH: Final = b"content-length: "


class Job(msgspec.Struct):
    """`rate` in requests a second, 0 for as fast as it goes; `idempotent`: each request carries a key of its own."""

    port: int
    key: str
    connections: int
    seconds: float
    warmup: float
    rate: float = 0.0
    idempotent: bool = False
    mark: str = ""


class Found(msgspec.Struct):
    """`answers` of the measured time, `all_answers` with those of the warm-up; `times_ms` are a thousand and one
    quantiles of the measured time, or fewer where there were fewer answers."""

    answers: int
    all_answers: int
    faults: int
    first_fault: str
    seconds: float
    times_ms: list[float]

    @property
    def per_second(self) -> float:
        return self.answers / self.seconds

    def quantile(self, part: float) -> float:
        return self.times_ms[min(len(self.times_ms) - 1, int(len(self.times_ms) * part))]


def run(job: Job, cores: Cores) -> Found:
    """In a process of its own, away from the server's core. Raises TameFlareError where a request failed."""
    command = ["taskset", "-c", ",".join(map(str, sorted(cores.others))), sys.executable, "-m", "bench.api.load"]
    done = subprocess.run(
        command,
        check=False,
        input=msgspec.json.encode(job),
        stdout=subprocess.PIPE,
        timeout=job.seconds + job.warmup + MARGIN_SECONDS,
    )
    if done.returncode or not done.stdout:
        raise TameFlareError(f"the load generator ended with {done.returncode}", "the lines above say why")
    found = msgspec.json.decode(done.stdout, type=Found)
    if found.faults:
        raise TameFlareError(f"{found.faults} requests failed", found.first_fault)
    return found


class _Load:
    """What all connections share."""

    def __init__(self, job: Job) -> None:
        self.job = job
        self.numbers = count()
        self.begin = time.perf_counter()
        self.measured_from = self.begin + job.warmup
        self.end = self.measured_from + job.seconds
        self.times: list[float] = []
        self.all_answers = self.faults = 0
        self.first_fault = ""

    def request(self) -> bytes:
        number = next(self.numbers)
        body = json.dumps(
            {
                "type": "email.send",
                "resource": {"system": "mail", "id": f"m-{number}"},
                "parameters": {"to": f"user{number}@example.com", "subject": "hello", "priority": 5},
            }
        ).encode()
        key = f"Idempotency-Key: {self.job.mark}-{number}\r\n" if self.job.idempotent else ""
        head = (
            f"POST /api/v1/actions HTTP/1.1\r\nHost: 127.0.0.1:{self.job.port}\r\nUser-Agent: bench\r\nAccept: */*\r\n"
            f"Authorization: Bearer {self.job.key}\r\nContent-Type: application/json\r\n{key}"
            f"Content-Length: {len(body)}\r\n\r\n"
        )
        return head.encode() + body

    def answered(self, status: bytes, due: float, now: float) -> None:
        self.all_answers += 1
        if status != b"200":
            self.faults += 1
            self.first_fault = self.first_fault or status.decode()
        elif self.measured_from <= now < self.end:
            self.times.append((now - due) * 1000)


class _Connection(asyncio.Protocol):
    """One connection: one request at a time."""

    def __init__(self, load: _Load) -> None:
        self._load = load
        self._buffer = b""
        self._due = 0.0
        self.idle = asyncio.Event()
        self.waiting: asyncio.Queue[_Connection] | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        self._transport = transport

    def ask(self, due: float) -> None:
        self._due = due
        self.idle.clear()
        self._transport.write(self._load.request())

    def data_received(self, data: bytes) -> None:
        self._buffer += data
        end = self._buffer.find(_END)
        if end < 0:
            return
        head = self._buffer[:end]
        place = head.find(_LENGTH) + len(_LENGTH)
        length = int(head[place:].partition(b"\r")[0])
        if len(self._buffer) < end + 4 + length:
            return
        self._buffer = b""
        self.idle.set()
        now = time.perf_counter()
        self._load.answered(head[9:12], self._due, now)
        if self.waiting is not None:
            self.waiting.put_nowait(self)
        elif now < self._load.end:
            self.ask(now)

    def connection_lost(self, fault: Exception | None) -> None:
        self.idle.set()
        if time.perf_counter() < self._load.end:
            self._load.faults += 1
            self._load.first_fault = self._load.first_fault or f"connection lost: {fault}"


async def _generate(job: Job) -> Found:
    load = _Load(job)
    loop = asyncio.get_running_loop()
    connections = [
        (await loop.create_connection(lambda: _Connection(load), "127.0.0.1", job.port))[1]
        for _ in range(job.connections)
    ]
    if job.rate:
        await _at_fixed_times(load, connections)
    else:
        for connection in connections:
            connection.ask(time.perf_counter())
    await asyncio.sleep(max(0.0, load.end - time.perf_counter()))
    for connection in connections:
        await connection.idle.wait()
    times = sorted(load.times)
    return Found(len(times), load.all_answers, load.faults, load.first_fault, job.seconds, _thinned(times))


def _thinned(times: list[float]) -> list[float]:
    if len(times) <= QUANTILES:
        return times
    return [times[number * (len(times) - 1) // QUANTILES] for number in range(QUANTILES + 1)]


async def _at_fixed_times(load: _Load, connections: list[_Connection]) -> None:
    """A request waits for a connection where none is free, and its time runs meanwhile."""
    free: asyncio.Queue[_Connection] = asyncio.Queue()
    for connection in connections:
        connection.waiting = free
        free.put_nowait(connection)
    for number in range(int((load.job.warmup + load.job.seconds) * load.job.rate)):
        due = load.begin + number / load.job.rate
        await asyncio.sleep(max(0.0, due - time.perf_counter()))
        (await free.get()).ask(due)


def main() -> None:
    job = msgspec.json.decode(sys.stdin.buffer.read(), type=Job)
    found = uvloop.run(_generate(job))
    sys.stdout.buffer.write(msgspec.json.encode(found))


if __name__ == "__main__":
    main()
