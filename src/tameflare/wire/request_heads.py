"""Request heads, read strictly (RFC 9112 §2 to §6): what two readers could understand differently is refused."""

from __future__ import annotations

import re
from contextlib import suppress
from typing import Final

from httptools import HttpParserError, HttpParserUpgrade, HttpRequestParser

from tameflare.wire.diagnosis import LARGEST_HEAD, diagnose
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
from tameflare.wire.head import RequestHead
from tameflare.wire.methods import METHODS
from tameflare.wire.names import REQUEST_NAMES, TOKEN

_MINOR: Final = {b"HTTP/1.1": 1, b"HTTP/1.0": 0}
_VERSION: Final = re.compile(rb"HTTP/[0-9]\.[0-9]")
LAYOUTS: Final = Layouts(REQUEST_NAMES)
NO_FIELDS: Final = Fields(LAYOUTS.of(()), ())
_LONGEST_KEPT: Final = 8192
_END: Final = [b"", b""]
_ABSOLUTE: Final = re.compile(rb"https?://[^/?#]", re.IGNORECASE)


_Rest = tuple[int, Fields, str | None, int | None, bool, bool, bool, bool, bytes | None]
"""What a RequestHead holds between its target and its size."""


class RequestHeads:
    """Reads one head after the other; keep one per connection.

    A client often repeats everything but the request line, to the byte. What followed from that tail the last time is
    kept, and only the new request line is read. The parser is reused where llhttp lets it.
    """

    __slots__ = ("_fields", "_last", "_parser", "_rest", "_tail")

    def __init__(self) -> None:
        self._fields = FieldReader(LAYOUTS)
        self._parser: HttpRequestParser | None = None
        self._last: tuple[int, Layout, Values, Framing] = (-1, NO_FIELDS.layout, (), Framing())
        self._tail = b""
        self._rest: _Rest | None = None

    def parse(self, data: bytes) -> RequestHead | HeadFault:
        """Reads exactly one head including its final empty line."""
        if self._rest is not None and data.endswith(self._tail):
            repeated = self._repeated(self._rest, data)
            if repeated is not None:
                return repeated
        lines = data.split(b"\r\n")
        if lines[-2:] != _END:
            return HeadFault(400, "malformed", "the head does not end in an empty line")
        tabs = count_tabs(data, len(lines) - 1)
        if isinstance(tabs, HeadFault):
            return tabs
        line = _request_line(lines[0])
        if isinstance(line, HeadFault):
            return line
        found = self._feed(data, len(lines) - 3)
        if found is None:
            return diagnose(data, REQUEST_NAMES, line[2])
        layout, values = found
        framing = self._framing(line[2], layout, values)
        if isinstance(framing, HeadFault):
            self._parser = None
            return framing
        if framing.options.names or tabs or b" \r\n" in data:
            headers = passing(LAYOUTS, layout, values, framing.options.names)
        else:
            headers = Fields(layout, values)
        rest = self._rest_of(line, framing, headers)
        if line[0] != "CONNECT" and len(data) <= _LONGEST_KEPT:
            self._tail, self._rest = data[len(lines[0]) :], rest
        return RequestHead(line[0], line[1], *rest, len(data))

    def _repeated(self, rest: _Rest, data: bytes) -> RequestHead | None:
        """The head, if before the known tail stands one request line that fits it; faults are the long way's."""
        size = len(data)
        first = data[: size - len(self._tail)]
        parts = first.split(b" ")
        if len(parts) != 3 or size > LARGEST_HEAD or len(first.translate(None, FORBIDDEN)) != len(first):
            return None
        method, target = METHODS.get(parts[0]), parts[1]
        if method is None or target[:1] != b"/" or not target.isascii() or _MINOR.get(parts[2]) != rest[0]:
            return None
        if method == "CONNECT":
            return None
        return RequestHead(method, target.decode("ascii"), *rest, size)

    def _feed(self, data: bytes, expected: int) -> tuple[Layout, Values] | None:
        """What llhttp reads in `data`, if that is one head of `expected` fields."""
        fields = self._fields
        fields.reset()
        parser = self._parser or HttpRequestParser(fields)
        self._parser = None
        try:
            parser.feed_data(data)
            self._parser = parser
        except HttpParserUpgrade:
            return fields.take(expected, _collect, data)
        except HttpParserError:
            return None
        return fields.take(expected, _collect, data)

    def _framing(self, minor: int, layout: Layout, values: Values) -> Framing | HeadFault:
        """The framing; most requests of a connection say the same about it as the one before."""
        special = layout.special_values(values)
        last = self._last
        if layout is last[1] and special == last[2] and minor == last[0]:
            return last[3]
        framing = read_framing(layout.special_pairs(values), minor)
        if isinstance(framing, HeadFault):
            return framing
        if framing.host is None and minor == 1:
            return HeadFault(400, "host_missing", "the request has no Host")
        self._last = (minor, layout, special, framing)
        return framing

    def _rest_of(self, line: tuple[str, str, int], framing: Framing, headers: Fields) -> _Rest:
        _, _, minor = line
        host, options, length = framing.host, framing.options, framing.content_length
        close = options.close if minor == 1 else not options.keep_alive
        if length or framing.chunked or close:
            self._parser = None  # it waits for a body that never comes its way, or takes nothing after a close
        return (
            minor,
            headers,
            None if host is None else host.decode("ascii"),
            length,
            framing.chunked,
            close,
            framing.expect is not None and minor == 1,
            framing.upgrade and options.upgrade,
            framing.proxy_authorization,
        )


def _collect(collector: Collector, data: bytes) -> None:
    with suppress(HttpParserUpgrade):
        HttpRequestParser(collector).feed_data(data)


def _request_line(line: bytes) -> tuple[str, str, int] | HeadFault:
    """Method, target and minor version; exactly two spaces and no other white space (RFC 9112 §3)."""
    parts = line.split(b" ")
    if len(parts) != 3 or b"\t" in line:
        return HeadFault(400, "request_line_invalid", "the request line is not `METHOD target HTTP/1.1`")
    minor = _MINOR.get(parts[2])
    if minor is None:
        return _version_fault(parts[2])
    method = METHODS.get(parts[0])
    if method is None:
        return _method_fault(parts[0])
    target = parts[1]
    if not target.isascii() or ((target[:1] != b"/" or method == "CONNECT") and not _form_fits(method, target)):
        return HeadFault(400, "target_invalid", "the request target does not fit the method")
    return method, target.decode("ascii"), minor


def _version_fault(version: bytes) -> HeadFault:
    if _VERSION.fullmatch(version):
        return HeadFault(505, "http_version", "only HTTP/1.1 and HTTP/1.0 are spoken here")
    return HeadFault(400, "request_line_invalid", "the request line is not `METHOD target HTTP/1.1`")


def _method_fault(method: bytes) -> HeadFault:
    if TOKEN.fullmatch(method):
        return HeadFault(501, "method_unknown", "the method is not one that the proxy carries")
    return HeadFault(400, "method_invalid", "the method is no token")


def _form_fits(method: str, target: bytes) -> bool:
    """The four forms of RFC 9112 §3.2; the authority of CONNECT is read by `target.parse_authority`."""
    if method == "CONNECT":
        return target[:1] not in (b"", b"/", b"*") and b"://" not in target
    if target == b"*":
        return method == "OPTIONS"
    return _ABSOLUTE.match(target) is not None
