"""The product's processes: which there are, and what may befall them."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from tests.support.product import Governed

from tameflare.demo.product import wait_until


def processes(first: int) -> Iterator[int]:
    """A process and all that descend from it."""
    yield first
    for child in children(first):
        yield from processes(child)


def children(pid: int) -> list[int]:
    """None where it has ended meanwhile."""
    try:
        tasks = list(Path(f"/proc/{pid}/task").glob("*/children"))
        return [int(child) for task in tasks for child in task.read_text().split()]
    except OSError:
        return []


def running(governed: Governed, module: str) -> int | None:
    """The process of the product that runs this module, if there is one."""
    for pid in processes(governed.product.pid):
        with suppress(OSError):  # it has ended meanwhile
            if module in Path(f"/proc/{pid}/cmdline").read_bytes().decode().split("\0"):
                return pid
    return None


def kill(governed: Governed, module: str) -> None:
    """kill -9, and wait until the product has put another in its place."""
    victim = running(governed, module)
    assert victim is not None
    os.kill(victim, signal.SIGKILL)
    wait_until(lambda: running(governed, module) not in (None, victim), f"another {module}")


@contextmanager
def halted(governed: Governed, module: str) -> Iterator[None]:
    """The process that runs this module stands still meanwhile."""
    pid = running(governed, module)
    assert pid is not None
    os.kill(pid, signal.SIGSTOP)
    try:
        yield
    finally:
        os.kill(pid, signal.SIGCONT)
