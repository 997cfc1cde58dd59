"""What the composition root hands to every service: settings, clocks and randomness."""

from __future__ import annotations

import secrets
import time
from collections.abc import Callable

import msgspec

from tameflare.settings import Settings

_ID_BYTES = 10


class Context(msgspec.Struct, frozen=True):
    """`clock` gives Unix seconds, `steady` seconds that never go back, `entropy` n random bytes."""

    settings: Settings
    clock: Callable[[], float] = time.time
    steady: Callable[[], float] = time.monotonic
    entropy: Callable[[int], bytes] = secrets.token_bytes

    def now(self) -> int:
        """Unix seconds, whole."""
        return int(self.clock())

    def new_id(self, prefix: str) -> str:
        """A random name that is never used twice, such as `agt_5f…`."""
        return f"{prefix}_{self.entropy(_ID_BYTES).hex()}"
