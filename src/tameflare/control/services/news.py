"""That something has changed, and what: for people who watch pages."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from functools import partial

from tameflare.control.services.bell import Bell
from tameflare.control.store.engine import Database


class News:
    """Counts commits by topic; a copy of `counts` is what somebody has `seen`."""

    def __init__(self) -> None:
        self._bell = Bell()
        self.counts: Counter[str] = Counter()

    def follow(self, name: str, database: Database, topic: str) -> None:
        """Ring under `name` after each commit that touched `topic`."""
        self.counts[name] = 0
        database.subscribe(topic, partial(self._ring, name))

    @property
    def closed(self) -> bool:
        return self._bell.closed

    def close(self) -> None:
        """Answer everybody who waits: call it when the server begins to stop."""
        self._bell.close()

    async def wait(self, seen: Mapping[str, int], seconds: float) -> bool:
        """Wait until something rings that `seen` does not know of; False when the time is over or the server stops."""
        rings = self._bell.rings
        return dict(self.counts) != seen or await self._bell.wait(rings, seconds)

    def _ring(self, name: str) -> None:
        self.counts[name] += 1
        self._bell.ring()
