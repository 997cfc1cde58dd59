"""Chunked transfer coding, read strictly (RFC 9112 §7.1).

Theory of operation: `_step` is the reader of whatever comes next: a chunk's size line, its data, the CRLF after it, or
the trailers. Each reader takes what it can from `data` at `position`, sets the next step and gives back the new
position, or keeps an incomplete line in `_held` and gives back the end of `data`. (A plain function, not a bound
method, so that a framer is no reference cycle.) Extensions and trailers are checked for form, bounded, and dropped: the
next hop gets chunks that are written anew.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Final

from tameflare.wire.faults import FramingFault
from tameflare.wire.names import TOKEN

_SIZE_LINE: Final = re.compile(rb"([0-9A-Fa-f]{1,15})(?:;[\t\x20-\x7e\x80-\xff]*)?")
_LONGEST_LINE: Final = 4096
_MOST_OVERHEAD: Final = 16384  # bytes of extensions beyond what the payload of the body excuses
_LARGEST_TRAILERS: Final = 16384
_CONTROL: Final = re.compile(rb"[\x00-\x08\x0a-\x1f\x7f]")

_Step = Callable[["ChunkedFramer", bytes, int, list[bytes]], int]


class ChunkedFramer:
    """Reads one chunked body."""

    __slots__ = ("_held", "_left", "_overhead", "_step", "_trailers", "done", "rest")

    def __init__(self) -> None:
        self.done = False
        self.rest = b""
        self._held = b""
        self._left = 0
        self._overhead = 0
        self._trailers = 0
        self._step: _Step = ChunkedFramer._size_line

    def feed(self, data: bytes) -> bytes:
        if self._held:
            data = self._held + data
            self._held = b""
        pieces: list[bytes] = []
        position, end = 0, len(data)
        while position < end:
            position = self._step(self, data, position, pieces)
        return pieces[0] if len(pieces) == 1 else b"".join(pieces)

    def finish(self) -> None:
        if not self.done:
            raise FramingFault("the chunked body ended before its last chunk")

    def _size_line(self, data: bytes, position: int, _pieces: list[bytes]) -> int:
        stop = self._line_end(data, position)
        if stop < 0:
            return len(data)
        match = _SIZE_LINE.fullmatch(data, position, stop)
        if match is None:
            raise FramingFault("the size of a chunk is not a plain hexadecimal number")
        size = int(match[1], 16)
        self._charge(stop - position, size)
        self._left = size
        self._step = ChunkedFramer._payload if size else ChunkedFramer._trailer_line
        return stop + 2

    def _charge(self, line: int, size: int) -> None:
        """A sender may not make us read much line for little payload, chunk after chunk."""
        self._overhead = max(0, self._overhead + line - 16 - 2 * size)
        if self._overhead > _MOST_OVERHEAD:
            raise FramingFault("the chunk extensions are larger than the body excuses")

    def _payload(self, data: bytes, position: int, pieces: list[bytes]) -> int:
        stop = min(position + self._left, len(data))
        pieces.append(data[position:stop])
        self._left -= stop - position
        if not self._left:
            self._step = ChunkedFramer._after_payload
        return stop

    def _after_payload(self, data: bytes, position: int, _pieces: list[bytes]) -> int:
        seen = data[position : position + 2]
        if seen == b"\r\n":
            self._step = ChunkedFramer._size_line
            return position + 2
        if seen != b"\r":
            raise FramingFault("a chunk is longer than its size says")
        self._held = seen
        return len(data)

    def _trailer_line(self, data: bytes, position: int, _pieces: list[bytes]) -> int:
        stop = self._line_end(data, position)
        if stop < 0:
            return len(data)
        if stop == position:
            self.done = True
            self._step = ChunkedFramer._beyond
            return stop + 2
        self._trailers += stop - position
        name, colon, value = data[position:stop].partition(b":")
        if not colon or TOKEN.fullmatch(name) is None or _CONTROL.search(value):
            raise FramingFault("a trailer is not a header field")
        if self._trailers > _LARGEST_TRAILERS:
            raise FramingFault("the trailers are too large")
        return stop + 2

    def _beyond(self, data: bytes, position: int, _pieces: list[bytes]) -> int:
        self.rest += data[position:]
        return len(data)

    def _line_end(self, data: bytes, position: int) -> int:
        """Index of the CRLF that ends the line at `position`; -1 and the line held when it is incomplete."""
        stop = data.find(b"\r\n", position)
        line = (len(data) if stop < 0 else stop) - position
        if line > _LONGEST_LINE:
            raise FramingFault("a line of the chunked coding is too long")
        if stop < 0:
            self._held = data[position:]
            if b"\n" in self._held:
                raise FramingFault("a line of the chunked coding ends in LF alone")
        return stop
