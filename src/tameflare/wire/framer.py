"""Where a body ends, and which of the bytes are payload (RFC 9112 §6 and §7).

A framer takes what arrives and gives back payload only; bytes beyond the end wait in `rest`. Slices are passed on
without joining wherever one read holds one piece.
"""

from __future__ import annotations

from typing import Final, Protocol

from tameflare.wire.chunked import ChunkedFramer
from tameflare.wire.faults import FramingFault
from tameflare.wire.head import RequestHead, ResponseHead

__all__: Final = [
    "LAST_CHUNK",
    "ChunkedFramer",
    "Framer",
    "FramingFault",
    "LengthFramer",
    "UntilCloseFramer",
    "encode_chunk",
    "request_framer",
    "response_framer",
]

LAST_CHUNK: Final = b"0\r\n\r\n"


class Framer(Protocol):
    """The reader of one body."""

    done: bool
    rest: bytes

    def feed(self, data: bytes) -> bytes:
        """The payload in `data`; FramingFault when the body is broken. After the end everything goes to `rest`."""
        ...

    def finish(self) -> None:
        """The sender closed: done if that ends the body, else FramingFault."""
        ...


class LengthFramer:
    """A body of `left` bytes still to come (RFC 9112 §6.2)."""

    __slots__ = ("done", "left", "rest")

    def __init__(self, length: int) -> None:
        self.left = length
        self.done = length == 0
        self.rest = b""

    def feed(self, data: bytes) -> bytes:
        left = self.left - len(data)
        if left > 0:
            self.left = left
            return data
        return self._last(data)

    def _last(self, data: bytes) -> bytes:
        """The piece that reaches the end."""
        end = self.left
        self.left = 0
        self.done = True
        if end == len(data):
            return data
        self.rest += data[end:]
        return data[:end]

    def finish(self) -> None:
        if not self.done:
            raise FramingFault(f"the body ended {self.left} bytes early")


class UntilCloseFramer:
    """A response body that ends with the connection (RFC 9112 §6.3, last case)."""

    __slots__ = ("done", "rest")

    def __init__(self) -> None:
        self.done = False
        self.rest = b""

    def feed(self, data: bytes) -> bytes:
        if self.done:
            self.rest += data
            return b""
        return data

    def finish(self) -> None:
        self.done = True


def request_framer(head: RequestHead) -> Framer | None:
    """The framer of a request's body, None when it has none."""
    if head.chunked:
        return ChunkedFramer()
    return LengthFramer(head.content_length) if head.content_length else None


def response_framer(head: ResponseHead, request_method: str) -> Framer | None:
    """The framer of a response's body, None when it has none, whatever its fields say (RFC 9112 §6.3)."""
    status = head.status
    if request_method == "HEAD" or status < 200 or status in (204, 304):
        return None
    if request_method == "CONNECT" and status < 300:
        return None
    if head.chunked:
        return ChunkedFramer()
    if head.content_length is None:
        return UntilCloseFramer()
    return LengthFramer(head.content_length) if head.content_length else None


def encode_chunk(payload: bytes) -> bytes:
    """One chunk; nothing for an empty payload, which would end the body."""
    return b"%x\r\n%b\r\n" % (len(payload), payload) if payload else b""
