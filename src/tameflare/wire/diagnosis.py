"""What exactly is wrong with a head that was refused. Runs once per refused message, so it is written for clarity."""

from __future__ import annotations

import re
from typing import Final

from tameflare.wire.faults import HeadFault
from tameflare.wire.framing import read_framing
from tameflare.wire.names import TOKEN, Names

LARGEST_HEAD: Final = 65536  # bytes
MOST_FIELDS: Final = 100

_CONTROL: Final = re.compile(rb"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f]")
_BARE: Final = re.compile(rb"\r(?!\n)|(?<!\r)\n")
_MALFORMED: Final = HeadFault(400, "malformed", "the head is not HTTP/1.1")


def too_large() -> HeadFault:
    return HeadFault(431, "head_too_large", f"the head is larger than {LARGEST_HEAD} bytes")


def too_many() -> HeadFault:
    return HeadFault(431, "too_many_headers", f"the head has more than {MOST_FIELDS} fields")


def partial_fault(buffer: bytes | bytearray) -> HeadFault | None:
    """Whether a head that is still incomplete can be refused already: too large, TLS, or with a bare LF."""
    if len(buffer) > LARGEST_HEAD:
        return too_large()
    if buffer.startswith(b"\x16\x03"):  # the first record of a TLS client
        return HeadFault(400, "tls_not_spoken", "TLS was spoken where plain HTTP is; write http:// for this port")
    if buffer.count(b"\n") != buffer.count(b"\r\n"):
        return HeadFault(400, "bare_line_end", "a line ends in CR or LF alone")
    return None


def octet_fault(data: bytes) -> HeadFault:
    """The fault of `data`, a whole head whose control characters are not just CRLF at the end of each line."""
    if _BARE.search(data):
        return HeadFault(400, "bare_line_end", "a line ends in CR or LF alone")
    if _CONTROL.search(data):
        return HeadFault(400, "control_character", "the head has a control character")
    return _MALFORMED


def diagnose(data: bytes, names: Names, minor: int) -> HeadFault:
    """The first fault in the fields of `data`, a whole head that llhttp refused.

    Its octets and its first line are known to be right; `names` and `minor` are those of its direction and version.
    """
    special: list[tuple[int, bytes]] = []
    for number, line in enumerate(data.removesuffix(b"\r\n\r\n").split(b"\r\n")[1:], start=2):
        fault = _field_fault(line, number)
        if fault is not None:
            return fault
        name, _colon, value = line.partition(b":")
        known = names.learn(name)
        if isinstance(known, int):
            special.append((known, value.strip(b" \t")))
    framing = read_framing(special, minor)
    return framing if isinstance(framing, HeadFault) else _MALFORMED


def _field_fault(line: bytes, number: int) -> HeadFault | None:
    """RFC 9112 §5: a field line is a name, a colon right after it, and a value on the same line."""
    if line[:1] in (b" ", b"\t"):
        return HeadFault(400, "folded_line", f"line {number} continues the line before it")
    name, colon, _value = line.partition(b":")
    if not colon:
        return HeadFault(400, "header_without_colon", f"line {number} has no colon")
    if name.endswith((b" ", b"\t")):
        return HeadFault(400, "space_before_colon", f"line {number} has white space before the colon")
    if TOKEN.fullmatch(name) is None:
        return HeadFault(400, "header_name_invalid", f"line {number} has no valid field name")
    return None
