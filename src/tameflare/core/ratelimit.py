"""The sliding rate window of one agent."""

from __future__ import annotations

from typing import Final

WINDOW_SECONDS: Final = 60


class RateWindow:
    """Counts requests of the last minute in buckets of one second.

    The clock is the caller's: every method takes `now` in seconds of a clock that never goes back. A bucket leaves the
    window only when all of it is older than a minute, so no minute ever holds more than the limit.
    """

    __slots__ = ("_buckets", "_second", "used")

    def __init__(self) -> None:
        self._buckets = [0] * (WINDOW_SECONDS + 1)
        self._second = 0
        self.used = 0

    def advance(self, now: float) -> int:
        """Forget what has left the window; returns how many requests are in it."""
        second = int(now)
        gap = second - self._second
        if gap <= 0:
            return self.used
        size = len(self._buckets)
        if gap >= size:
            self._buckets = [0] * size
            self.used = 0
        else:
            for passed in range(self._second + 1, second + 1):
                self.used -= self._buckets[passed % size]
                self._buckets[passed % size] = 0
        self._second = second
        return self.used

    def charge(self) -> None:
        """Count one request in the second that `advance` was last told."""
        self._buckets[self._second % len(self._buckets)] += 1
        self.used += 1

    def retry_after(self, limit: int) -> int:
        """Seconds until one more request fits under `limit`; at least 1."""
        size = len(self._buckets)
        surplus = self.used - limit + 1
        for wait in range(1, size + 1):
            surplus -= self._buckets[(self._second + wait) % size]
            if surplus <= 0:
                return wait
        return WINDOW_SECONDS
