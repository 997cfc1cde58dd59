"""Back-pressure: the one owner of whether either side of a request is being read."""

from __future__ import annotations

from asyncio import Transport
from collections.abc import Callable
from typing import Final

WRITE_BUFFER: Final = 256 * 1024
"""Bytes that wait to be written to one peer before the other is held."""
UPSTREAM_FULL: Final = 1
BUFFER_FULL: Final = 2
"""Why the client is not being read: bits, since they are tested for every request."""


class Flow:
    """Holds the client while the upstream cannot take more, and the upstream while the client cannot.

    `detach` undoes a pause of the upstream, so that a connection never returns to the pool paused. `when_drained` is
    called once, when the client has taken what waits for it.
    """

    __slots__ = ("_client", "_held", "_upstream", "_upstream_paused", "client_is_full", "when_drained")

    def __init__(self, client: Transport) -> None:
        self._client = client
        self.client_is_full = False
        self.when_drained: Callable[[], None] | None = None
        self._held = 0
        self._upstream: Transport | None = None
        self._upstream_paused = False

    def attach(self, upstream: Transport) -> None:
        self._upstream = upstream
        if self.client_is_full:
            self._pause_upstream()

    def detach(self) -> None:
        if self._held & UPSTREAM_FULL:
            self.resume_client(UPSTREAM_FULL)
        if self._upstream_paused:
            self._resume_upstream()
        self._upstream = None

    def client_full(self) -> None:
        self.client_is_full = True
        self._pause_upstream()

    def client_drained(self) -> None:
        self.client_is_full = False
        self._resume_upstream()
        waiting, self.when_drained = self.when_drained, None
        if waiting is not None:
            waiting()

    def hold_client(self, why: int) -> None:
        if not self._held and not self._client.is_closing():
            self._client.pause_reading()
        self._held |= why

    def resume_client(self, why: int) -> None:
        if not self._held & why:
            return
        self._held &= ~why
        if not self._held and not self._client.is_closing():
            self._client.resume_reading()

    def _pause_upstream(self) -> None:
        if self._upstream is not None and not self._upstream_paused and not self._upstream.is_closing():
            self._upstream_paused = True
            self._upstream.pause_reading()

    def _resume_upstream(self) -> None:
        if self._upstream_paused and self._upstream is not None:
            self._upstream_paused = False
            if not self._upstream.is_closing():
                self._upstream.resume_reading()
