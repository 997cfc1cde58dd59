"""Waiting for conditions instead of sleeping for a guess."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from typing import TypeVar

T = TypeVar("T")

PATIENCE = 20.0


def wait_for(find: Callable[[], T | None], what: str, seconds: float = PATIENCE) -> T:
    """What `find` gives once it gives something true; fails after `seconds`."""
    deadline = time.monotonic() + seconds
    while not (found := find()):
        assert time.monotonic() < deadline, f"waited in vain: {what}"
        time.sleep(0.005)
    return found


async def until(condition: Callable[[], bool], what: str, seconds: float = PATIENCE) -> None:
    """The same inside a loop."""
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, f"waited in vain: {what}"
        await asyncio.sleep(0.005)
