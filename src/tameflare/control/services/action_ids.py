"""Names of actions: they rise with time, so that pages are in their order and new rows stand side by side on disk."""

from __future__ import annotations

from typing import Final

from tameflare.control.services.context import Context

_BYTES: Final = 6
_MOST: Final = 0xFFFF


class ActionIds:
    """Milliseconds, a number within them, and randomness; of one server each is above the one before."""

    def __init__(self, context: Context) -> None:
        self._context = context
        self._millisecond = 0
        self._number = 0

    def new(self) -> str:
        now = int(self._context.clock() * 1000)
        if now > self._millisecond:
            self._millisecond, self._number = now, 0
        elif self._number < _MOST:
            self._number += 1
        else:
            self._millisecond, self._number = self._millisecond + 1, 0
        return f"act_{self._millisecond:012x}{self._number:04x}{self._context.entropy(_BYTES).hex()}"
