"""Heads of messages: where one ends, how it is read, how it is written anew.

A head that passes is never forwarded as it came: `encode_head` writes it from what was understood, so that the next hop
cannot understand something else.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from tameflare.wire.diagnosis import LARGEST_HEAD, MOST_FIELDS, partial_fault
from tameflare.wire.faults import HeadFault
from tameflare.wire.fields import Header
from tameflare.wire.request_heads import NO_FIELDS, RequestHead, RequestHeads
from tameflare.wire.response_heads import ResponseHead, ResponseHeads

__all__: Final = [
    "LARGEST_HEAD",
    "MOST_FIELDS",
    "NO_FIELDS",
    "HeadFault",
    "Header",
    "RequestHead",
    "RequestHeads",
    "ResponseHead",
    "ResponseHeads",
    "encode_head",
    "head_end",
    "partial_fault",
]


def head_end(buffer: bytes | bytearray, start: int = 0) -> int:
    """Index after the first head in `buffer`, -1 while it is incomplete.

    `start` may be three octets before the end of what was looked through already.
    """
    end = buffer.find(b"\r\n\r\n", start)
    return end if end < 0 else end + 4


def encode_head(start_line: bytes, headers: Iterable[Header], extra: bytes = b"") -> bytes:
    """The bytes of a head. `start_line` has no line end; `extra` is ready field lines, each with its CRLF."""
    lines = [start_line]
    lines.extend([name + b": " + value for _lower, name, value in headers])
    lines.append(extra + b"\r\n")
    return b"\r\n".join(lines)
