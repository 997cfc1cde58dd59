"""The answer to a job, as the relay would have written it to an agent, read into values; a bounded part of it."""

from __future__ import annotations

from typing import Final

from tameflare.wire.framer import Framer, response_framer
from tameflare.wire.heads import HeadFault, ResponseHead, ResponseHeads, head_end

SHOWN: Final = frozenset(
    {b"content-type", b"content-language", b"date", b"etag", b"last-modified", b"link", b"location", b"retry-after"}
    | {b"request-id", b"x-request-id", b"x-github-request-id", b"x-ratelimit-limit", b"x-ratelimit-remaining"}
    | {b"x-ratelimit-reset", b"deprecation", b"warning"}
)
"""Headers that go back to the agent; none of them sets anything or lets anybody in."""


class Collected:
    """`status` is 0 until the head is there. `most` bytes of the body are kept."""

    def __init__(self, method: str, most: int) -> None:
        self._method = method
        self._most = most
        self._heads = ResponseHeads()
        self._buffer = b""
        self._head: ResponseHead | None = None
        self._framer: Framer | None = None
        self._kept = bytearray()
        self.truncated = False

    @property
    def status(self) -> int:
        return self._head.status if self._head is not None else 0

    @property
    def headers(self) -> tuple[tuple[str, str], ...]:
        if self._head is None:
            return ()
        return tuple(
            (lower.decode("latin-1"), value.decode("latin-1"))
            for lower, _, value in self._head.headers
            if lower in SHOWN
        )

    @property
    def body(self) -> bytes:
        return bytes(self._kept)

    def feed(self, data: bytes) -> None:
        """The next bytes, which were written by ourselves and so are well formed."""
        if self._head is None:
            self._buffer += data
            end = head_end(self._buffer)
            if end < 0:
                return
            head = self._heads.parse(self._buffer[:end])
            assert not isinstance(head, HeadFault)
            self._head, data, self._buffer = head, self._buffer[end:], b""
            self._framer = response_framer(head, self._method)
        if self._framer is not None and data:
            self._keep(self._framer.feed(data))

    def _keep(self, payload: bytes) -> None:
        room = self._most - len(self._kept)
        self._kept += payload[:room]
        self.truncated = self.truncated or len(payload) > room
