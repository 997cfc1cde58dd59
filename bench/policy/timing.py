"""CPU time of short calls, many in a row: what else the machine does meanwhile is not in it."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any


def microseconds(work: Callable[[], Any], seconds: float) -> float:
    """The mean of as many calls as fit into about so many seconds, at least one."""
    repeats, took = 1, _time(work, 1)
    while took < seconds / 4:
        repeats = max(2 * repeats, int(repeats * seconds / 2 / max(took, 1e-6)))
        took = _time(work, repeats)
    return took / repeats * 1e6


def _time(work: Callable[[], Any], repeats: int) -> float:
    begun = time.thread_time()
    for _ in range(repeats):
        work()
    return time.thread_time() - begun
