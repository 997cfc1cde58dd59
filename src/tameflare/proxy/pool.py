"""Idle upstream connections, kept for the next request of the same kind."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from tameflare.proxy.upstream import Key, UpstreamConnection

IDLE_PER_KEY: Final = 256
IDLE_SECONDS: Final = 60.0


class Pool:
    """Idle connections by key, the one used last first; about `most` in all."""

    def __init__(self, tick: Callable[[], float], most: int = 4096) -> None:
        self._tick = tick
        self._most = most
        self._idle: dict[Key, list[UpstreamConnection]] = {}

    def take(self, key: Key) -> UpstreamConnection | None:
        waiting = self._idle.get(key)
        while waiting:
            connection = waiting.pop()
            if not connection.transport.is_closing():
                return connection
        return None

    def put(self, connection: UpstreamConnection) -> None:
        waiting = self._idle.get(connection.key)
        if waiting is None:
            waiting = self._idle[connection.key] = []
        if len(waiting) >= IDLE_PER_KEY or connection.transport.is_closing():
            connection.discard()
            return
        connection.receiver = None
        connection.used = True
        connection.idle_since = self._tick()
        waiting.append(connection)

    def forget(self, connection: UpstreamConnection) -> None:
        waiting = self._idle.get(connection.key)
        if waiting is not None and connection in waiting:
            waiting.remove(connection)

    def sweep(self) -> None:
        """Close what has been idle for too long."""
        oldest = self._tick() - IDLE_SECONDS
        for key, waiting in list(self._idle.items()):
            for connection in [entry for entry in waiting if entry.idle_since < oldest]:
                connection.discard()
            if not waiting:
                del self._idle[key]
        everything = [connection for waiting in self._idle.values() for connection in waiting]
        if len(everything) > self._most:
            everything.sort(key=lambda connection: connection.idle_since)
            for connection in everything[: -self._most]:
                connection.discard()

    def close(self) -> None:
        for waiting in list(self._idle.values()):
            for connection in list(waiting):
                connection.discard()
