"""One run of the load generator, and what it found."""

from __future__ import annotations

import subprocess
import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import msgspec

from tameflare.core.errors import TameFlareError

MARGIN_SECONDS = 30.0
WATCH_SECONDS = 0.02


class Times(msgspec.Struct):
    """Microseconds."""

    count: int
    p50: float
    p99: float
    max: float


class Found(msgspec.Struct):
    """What `load` prints; see its sources for how it measures."""

    seconds: float
    answers: int
    all_answers: int
    refusals: int
    faults: int
    first_fault: str
    bytes_in: int
    bytes_out: int
    times_us: Times
    delays_us: Times

    @property
    def per_second(self) -> float:
        return self.answers / self.seconds


@dataclass(frozen=True)
class Job:
    """What to ask for: `request` is a name of plant.requests_of, `size` the bytes that it moves in one direction.

    `seconds` bounds the run even where `requests` ends it; `rate` 0 means as fast as it goes.
    """

    request: str
    connections: int = 1
    seconds: float = 1.0
    warmup: float = 0.0
    rate: float = 0.0
    requests: int = 0
    size: int = 0
    fresh: bool = False
    events: bool = False

    def arguments(self) -> list[str]:
        numbers = ("connections", "seconds", "warmup", "rate", "requests")
        flags = [f"--{name}" for name in ("fresh", "events") if getattr(self, name)]
        body = ["--body", str(self.size)] if self.request == "upload" else []
        return [part for name in numbers for part in (f"--{name}", str(getattr(self, name)))] + flags + body


def run(program: Path, job: Job, port: int, more: Sequence[str], watch: Callable[[], None] | None = None) -> Found:
    """Run to its end, calling `watch` again and again meanwhile. Raises TameFlareError where requests failed."""
    command = [str(program), "--port", str(port), *more, *job.arguments()]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        try:
            out = _wait(process, job.seconds + job.warmup + MARGIN_SECONDS, watch)
        except BaseException:
            process.kill()
            raise
    if process.returncode:
        raise TameFlareError(f"the load generator ended with {process.returncode}", "the line above says why")
    found = msgspec.json.decode(out, type=Found)
    if found.faults or found.refusals:
        raise TameFlareError(
            f"{found.faults} requests failed, {found.refusals} of {found.answers} were refused",
            f"`{found.first_fault}`; the measurement would mean nothing: {job}",
        )
    return found


def _wait(process: subprocess.Popen[str], seconds: float, watch: Callable[[], None] | None) -> str:
    if watch is None:
        return process.communicate(timeout=seconds)[0]
    pause = threading.Event()
    for _ in range(int(seconds / WATCH_SECONDS)):
        if process.poll() is not None:
            break
        watch()
        pause.wait(WATCH_SECONDS)
    return process.communicate(timeout=MARGIN_SECONDS)[0]
