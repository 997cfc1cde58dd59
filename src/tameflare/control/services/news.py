"""That something has changed, and what: for people who watch pages."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from functools import partial

from tameflare.control.services.bell import Bell
from tameflare.control.store.engine import Database


class News:
    """Rings for topics of the databases. `seen` is a copy of `counts` from before a look at what they tell of."""

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

    async def wait(self, seen: Mapping[str, int], seconds: float) -> set[str]:
        """The names that rang since `seen`, at once or as soon as one does; none when the time is over."""
        rings = self._bell.rings
        changed = self._since(seen)
        if changed or not await self._bell.wait(rings, seconds):
            return changed
        return self._since(seen)

    def _since(self, seen: Mapping[str, int]) -> set[str]:
        return {name for name, count in dict(self.counts).items() if count != seen.get(name, 0)}

    def _ring(self, name: str) -> None:
        self.counts[name] += 1
        self._bell.ring()
