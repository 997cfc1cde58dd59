"""Passwords: what is acceptable, and bcrypt in at most two threads with a bounded queue."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Final, TypeVar

import bcrypt

from tameflare.control.services.faults import Throttled
from tameflare.core.errors import InvalidValue

COST: Final = 10
MIN_CHARACTERS: Final = 12
MAX_BYTES: Final = 72
_THREADS: Final = 2
_MAX_WAITING: Final = 16

T = TypeVar("T")


def check(password: str) -> None:
    """Raises InvalidValue for a password that may not be chosen; bcrypt reads no more than 72 bytes."""
    if len(password) < MIN_CHARACTERS:
        raise InvalidValue(f"the password has fewer than {MIN_CHARACTERS} characters", "choose a longer one")
    if len(password.encode()) > MAX_BYTES:
        raise InvalidValue(f"the password is longer than {MAX_BYTES} bytes", "choose a shorter one")
    if "\0" in password:
        raise InvalidValue("the password holds a null character", "choose another one")


class Hasher:
    """bcrypt off the event loop; `close` ends its threads."""

    def __init__(self) -> None:
        self._pool = ThreadPoolExecutor(_THREADS, thread_name_prefix="bcrypt")
        self._waiting = 0
        # Compared against where there is no such user, so that the answer takes as long.
        self._nobody = bcrypt.hashpw(b"nobody", bcrypt.gensalt(COST)).decode()

    async def hash(self, password: str) -> str:
        """Raises Throttled where too many wait already."""
        return await self._run(lambda: bcrypt.hashpw(password.encode(), bcrypt.gensalt(COST)).decode())

    async def matches(self, password: str, stored: str | None) -> bool:
        """False, and as slow, where `stored` is None. Raises Throttled where too many wait already."""
        raw = password.encode()
        if len(raw) > MAX_BYTES or b"\0" in raw:
            raw, stored = b"", None
        against = (stored or self._nobody).encode()
        return await self._run(lambda: bcrypt.checkpw(raw, against)) and stored is not None

    def close(self) -> None:
        self._pool.shutdown()

    async def _run(self, work: Callable[[], T]) -> T:
        if self._waiting >= _MAX_WAITING:
            raise Throttled("too many passwords and keys are being checked", 1)
        self._waiting += 1
        try:
            return await asyncio.get_running_loop().run_in_executor(self._pool, work)
        finally:
            self._waiting -= 1
