"""Heads of messages: where one ends, and how it is read.

A head that passes is never forwarded as it came: what goes on is written from what was understood
(`fields.Lines.write`), so that the next hop cannot understand something else.
"""

from __future__ import annotations

from typing import Final

from tameflare.wire.diagnosis import LARGEST_HEAD, MOST_FIELDS, partial_fault
from tameflare.wire.faults import HeadFault
from tameflare.wire.fields import Header
from tameflare.wire.head import RequestHead, ResponseHead
from tameflare.wire.request_heads import NO_FIELDS, RequestHeads
from tameflare.wire.response_heads import ResponseHeads

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
    "head_end",
    "partial_fault",
]


def head_end(buffer: bytes | bytearray, start: int = 0) -> int:
    """Index after the first head in `buffer`, -1 while it is incomplete.

    `start` may be three octets before the end of what was looked through already.
    """
    end = buffer.find(b"\r\n\r\n", start)
    return end if end < 0 else end + 4
