"""Wakes coroutines that wait for news; may be rung from any thread."""

from __future__ import annotations

import asyncio
import contextlib
import threading


class Bell:
    """`rings` is read before looking for news, so that no ring between the look and the wait is missed."""

    def __init__(self) -> None:
        self._guard = threading.Lock()
        self._waiting: set[tuple[asyncio.AbstractEventLoop, asyncio.Event]] = set()
        self.rings = 0
        self.closed = False

    def ring(self) -> None:
        with self._guard:
            self.rings += 1
            for loop, event in self._waiting:
                with contextlib.suppress(RuntimeError):  # that loop was closed without ending its tasks
                    loop.call_soon_threadsafe(event.set)

    def close(self) -> None:
        """Wake everybody and let nobody wait again: the process stops."""
        self.closed = True
        self.ring()

    async def wait(self, seen: int, seconds: float) -> bool:
        """Wait until `rings` is no longer `seen`; False when the time is over or the bell closed."""
        mine = (asyncio.get_running_loop(), asyncio.Event())
        with self._guard:
            if self.rings != seen or self.closed:
                return not self.closed
            self._waiting.add(mine)
        try:
            async with asyncio.timeout(seconds):
                await mine[1].wait()
        except TimeoutError:
            return False
        finally:
            with self._guard:
                self._waiting.discard(mine)
        return not self.closed
