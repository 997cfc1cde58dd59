"""Fields of a multipart form (RFC 7578), read so that no server can read them otherwise, or refused.

Every part has one plain head, every delimiter begins a line, no field is sent twice. What a file holds is not read: in
its place stands UNCLEAR.
"""

from __future__ import annotations

import re
from typing import Final

from tameflare.connectors.bodies import MULTIPART, content_type, plain_body
from tameflare.connectors.faults import Unreadable
from tameflare.connectors.fields import MAX_PAIRS, UNCLEAR, Fields, field_of_part
from tameflare.connectors.request import HttpRequest

_BOUNDARY: Final = re.compile(r";\s*boundary=(?:\"([\w'()+,./:=? \-]{1,70})\"|([\w'()+,./:=?\-]{1,70}))\s*$")
_NAMED: Final = re.compile(
    rb'content-disposition: form-data; name="([\w.\[\]\-]+)"(; filename="[^"\\\r\n]*")?', re.IGNORECASE
)
_KIND: Final = re.compile(rb"content-type: ([\w./+\-; =]+)", re.IGNORECASE)
_BESIDE: Final = re.compile(rb"content-(?:length: \d+|transfer-encoding: (?:7bit|8bit|binary))", re.IGNORECASE)
_PLAIN_TEXT: Final = re.compile(rb"text/plain(?: *; *charset=(?:utf-8|us-ascii))?", re.IGNORECASE)
_ENDS: Final = (b"--", b"--\r\n")


def multipart_fields(request: HttpRequest) -> Fields:
    """The texts among the fields. Raises Unreadable."""
    fields: Fields = {}
    for part in _parts(request):
        head, blank, value = part.partition(b"\r\n\r\n")
        if not head.startswith(b"\r\n") or not blank:
            raise Unreadable("the multipart body has a part that cannot be read for certain")
        name, is_file = _named(head[2:].split(b"\r\n"))
        field_of_part(fields, name.decode(), UNCLEAR if is_file else _text(value))
    return fields


def _parts(request: HttpRequest) -> list[bytes]:
    delimiter, plain = b"--" + _boundary(request), plain_body(request)
    first, *parts = (b"\r\n" + plain).split(b"\r\n" + delimiter)
    if first or not parts or parts[-1] not in _ENDS or plain.count(delimiter) != len(parts):
        raise Unreadable("the multipart body is not well formed")
    if len(parts) > MAX_PAIRS:
        raise Unreadable(f"the form holds more than {MAX_PAIRS} fields")
    return parts[:-1]


def _boundary(request: HttpRequest) -> bytes:
    kind = request.header(b"content-type")
    match = _BOUNDARY.search(kind)
    if content_type(request) != MULTIPART or match is None or kind.lower().count("boundary") != 1:
        raise Unreadable("the multipart body has no plain boundary")
    return (match.group(1) or match.group(2)).encode()


def _named(head: list[bytes]) -> tuple[bytes, bool]:
    """The name that a part's head gives it, and whether it is a file."""
    named = [match for match in map(_NAMED.fullmatch, head) if match is not None]
    kinds = [match[1] for match in map(_KIND.fullmatch, head) if match is not None]
    others = sum(_BESIDE.fullmatch(line) is not None for line in head)
    if len(named) != 1 or len(kinds) > 1 or len(named) + len(kinds) + others != len(head):
        raise Unreadable("the multipart body has a part that cannot be read for certain")
    is_file = named[0][2] is not None
    if kinds and not is_file and not _PLAIN_TEXT.fullmatch(kinds[0].strip()):
        raise Unreadable("a field of the multipart body is of another kind than text")
    return named[0][1], is_file


def _text(value: bytes) -> str:
    try:
        return value.decode("utf-8")
    except UnicodeDecodeError:
        raise Unreadable("the form holds text that is not UTF-8") from None
