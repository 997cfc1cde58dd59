"""The frame of a spooled record: length, CRC-32, payload. Written by the proxy, read by both sides.

frame := length (4 bytes, little endian) crc32(payload) (4 bytes, little endian) payload (MessagePack of a Record)
"""

from __future__ import annotations

from collections.abc import Iterator
from struct import Struct
from typing import Final
from zlib import crc32

import msgspec

from tameflare.link.messages import Record

_HEADER: Final = Struct("<II")
HEADER_BYTES: Final = _HEADER.size
MAX_PAYLOAD: Final = 1 << 20

_encode = msgspec.msgpack.Encoder().encode
_decoder: msgspec.msgpack.Decoder[Record] = msgspec.msgpack.Decoder(Record)


def frame(record: Record) -> bytes:
    payload = _encode(record)
    return _HEADER.pack(len(payload), crc32(payload)) + payload


def payloads(data: bytes | memoryview, start: int = 0) -> Iterator[tuple[int, memoryview]]:
    """Every whole, undamaged frame from `start`: the offset after it, and its payload. Stops at the first bad one."""
    view = memoryview(data)
    offset = start
    while offset + HEADER_BYTES <= len(view):
        length, crc = _HEADER.unpack_from(view, offset)
        end = offset + HEADER_BYTES + length
        if length > MAX_PAYLOAD or end > len(view):
            return
        payload = view[offset + HEADER_BYTES : end]
        if crc32(payload) != crc:
            return
        offset = end
        yield offset, payload


def decode(payload: bytes | memoryview) -> Record:
    """Raises msgspec.MsgspecError on what is no record."""
    return _decoder.decode(payload)
