"""How often something may be tried: a sliding window of attempts per key, in memory."""

from __future__ import annotations

from collections import OrderedDict, deque
from collections.abc import Callable
from math import ceil
from typing import Final

_MAX_KEYS: Final = 10_000


class Throttle:
    """At most `limit` attempts in `window` seconds per key. `steady` is a clock that never goes back.

    The keys least recently tried are forgotten where there are more than ten thousand.
    """

    def __init__(self, limit: int, window: float, steady: Callable[[], float]) -> None:
        self._limit = limit
        self._window = window
        self._steady = steady
        self._attempts: OrderedDict[str, deque[float]] = OrderedDict()

    def attempt(self, key: str) -> int:
        """Count an attempt; 0 where it may go on, else the seconds to wait (and it is not counted)."""
        now = self._steady()
        times = self._attempts.setdefault(key, deque())
        self._attempts.move_to_end(key)
        while times and times[0] <= now - self._window:
            times.popleft()
        if len(times) >= self._limit:
            return max(1, ceil(times[0] + self._window - now))
        times.append(now)
        if len(self._attempts) > _MAX_KEYS:
            self._attempts.popitem(last=False)
        return 0

    def undo(self, key: str) -> None:
        """Take back the last attempt of a key: it was no failure."""
        times = self._attempts.get(key)
        if times:
            times.pop()

    def forgive(self, key: str) -> None:
        """Forget every attempt of a key."""
        self._attempts.pop(key, None)
