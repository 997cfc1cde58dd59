"""Response heads, read as strictly as requests: the upstream may be hostile too."""

from __future__ import annotations

import re
from contextlib import suppress
from functools import lru_cache
from typing import Final

import msgspec
from httptools import HttpParserError, HttpParserUpgrade, HttpResponseParser

from tameflare.wire.diagnosis import diagnose
from tameflare.wire.faults import HeadFault
from tameflare.wire.fields import (
    FORBIDDEN,
    Collector,
    FieldReader,
    Fields,
    Layout,
    Layouts,
    Values,
    count_tabs,
    passing,
)
from tameflare.wire.framing import Framing, read_framing
from tameflare.wire.head import ResponseHead
from tameflare.wire.names import RESPONSE_NAMES

_STATUS_LINE: Final = re.compile(rb"HTTP/1\.([01]) ([1-5][0-9]{2})(?: ([\t\x20-\x7e\x80-\xff]*))?")
_LONGEST_CACHED: Final = 64
_LONGEST_KEPT: Final = 8192
LAYOUTS: Final = Layouts(RESPONSE_NAMES)
_VERSION: Final = re.compile(rb"HTTP/(?!1\.[01])[0-9](?:\.[0-9])? ")


class ResponseHeads:
    """Reads one head after the other, interim responses included; keep one per upstream connection.

    A server often repeats most lines of the answer before. A head that differs from it only in the values of fields
    that pass on is read from that one.
    """

    __slots__ = ("_fields", "_kept", "_last")

    def __init__(self) -> None:
        self._fields = FieldReader(LAYOUTS)
        self._last: tuple[int, Layout, Values, Framing] = (-1, LAYOUTS.of(()), (), Framing())
        self._kept: tuple[list[bytes], ResponseHead] | None = None

    def parse(self, data: bytes) -> ResponseHead | HeadFault:
        """Reads exactly one head including its final empty line."""
        lines = data.split(b"\r\n")
        if self._kept is not None:
            similar = _similar(*self._kept, lines, data)
            if similar is not None:
                self._kept = (lines, similar)
                return similar
        tabs = count_tabs(data, len(lines) - 1)
        if isinstance(tabs, HeadFault):
            return tabs
        line = _cached_status_line(lines[0]) if len(lines[0]) <= _LONGEST_CACHED else _status_line(lines[0])
        if line is None:
            return _status_line_fault(data)
        minor, status, reason = line
        found = self._feed(data, len(lines) - 3)
        if found is None:
            return diagnose(data, RESPONSE_NAMES, minor)
        layout, values = found
        framing = self._framing(minor, layout, values)
        if isinstance(framing, HeadFault):
            return framing
        options = framing.options
        plain = not options.names and not tabs and b" \r\n" not in data
        head = ResponseHead(
            status,
            reason,
            Fields(layout, values) if plain else passing(LAYOUTS, layout, values, options.names),
            framing.content_length,
            framing.chunked,
            options.close if minor == 1 else not options.keep_alive,
            minor,
        )
        self._kept = (lines, head) if plain and len(data) <= _LONGEST_KEPT else None
        return head

    def _framing(self, minor: int, layout: Layout, values: Values) -> Framing | HeadFault:
        """The framing; an answer often says the same about it as the one before."""
        special = layout.special_values(values)
        last = self._last
        if layout is last[1] and special == last[2] and minor == last[0]:
            return last[3]
        framing = read_framing(layout.special_pairs(values), minor)
        if not isinstance(framing, HeadFault):
            self._last = (minor, layout, special, framing)
        return framing

    def _feed(self, data: bytes, expected: int) -> tuple[Layout, Values] | None:
        """What llhttp reads in `data`, if that is one head; a new parser each time, the old one waits for the body."""
        fields = self._fields
        fields.reset()
        try:
            HttpResponseParser(fields).feed_data(data)
        except HttpParserUpgrade:
            return fields.take(expected, _collect, data)
        except HttpParserError:
            return None
        return fields.take(expected, _collect, data)


def _similar(known: list[bytes], head: ResponseHead, lines: list[bytes], data: bytes) -> ResponseHead | None:
    """The head of `lines`, if it is the known one but for values of passing fields, each written as `Name: value`."""
    if lines == known:
        return head
    if len(lines) != len(known) or len(data) > _LONGEST_KEPT:
        return None
    if len(data.translate(None, FORBIDDEN)) != len(data) - 2 * (len(lines) - 1):
        return None  # some control character beside the CRLF of each line
    layout, values = head.headers.layout, list(head.headers.values)
    for at, (line, before) in enumerate(zip(lines, known, strict=True), start=-1):
        if line == before:
            continue
        name, _, value = line.partition(b": ")
        if layout.passing_at.get(at) != name or not before.startswith(name + b": ") or value != value.strip(b" "):
            return None
        values[at] = value
    return msgspec.structs.replace(head, headers=Fields(layout, tuple(values)))


def _collect(collector: Collector, data: bytes) -> None:
    with suppress(HttpParserUpgrade):
        HttpResponseParser(collector).feed_data(data)


def _status_line(line: bytes) -> tuple[int, int, bytes] | None:
    """Minor version, status and reason (RFC 9112 §4); a server may leave out the space before an empty reason."""
    match = _STATUS_LINE.fullmatch(line)
    return (int(match[1]), int(match[2]), match[3] or b"") if match else None


_cached_status_line = lru_cache(256)(_status_line)


def _status_line_fault(data: bytes) -> HeadFault:
    if _VERSION.match(data):
        return HeadFault(505, "http_version", "only HTTP/1.1 and HTTP/1.0 are spoken here")
    return HeadFault(400, "status_line_invalid", "the status line is not `HTTP/1.1 status reason`")
