"""Request heads, read strictly (RFC 9112 §2 to §6): what two readers could understand differently is refused."""

from __future__ import annotations

import re
from typing import Final

import msgspec
from httptools import HttpParserError, HttpParserUpgrade, HttpRequestParser

from tameflare.wire.diagnosis import diagnose
from tameflare.wire.faults import HeadFault
from tameflare.wire.fields import FieldReader, Header, count_tabs
from tameflare.wire.framing import Framing, read_framing
from tameflare.wire.methods import METHODS
from tameflare.wire.names import REQUEST_NAMES, TOKEN

_MINOR: Final = {b"HTTP/1.1": 1, b"HTTP/1.0": 0}
_VERSION: Final = re.compile(rb"HTTP/[0-9]\.[0-9]")
_ABSOLUTE: Final = re.compile(rb"https?://[^/?#]", re.IGNORECASE)


class RequestHead(msgspec.Struct, gc=False):
    """One request head, ready to be judged and written anew.

    `headers` are those that may go on. `host` is the raw value of Host (None only in HTTP/1.0), `close` whether the
    connection ends after this message, `upgrade` whether the client asks for another protocol, `size` in bytes.
    """

    method: str
    target: str
    minor: int
    headers: list[Header]
    host: str | None
    content_length: int | None
    chunked: bool
    close: bool
    expect_continue: bool
    upgrade: bool
    proxy_authorization: bytes | None
    size: int


class RequestHeads:
    """Reads one head after the other; keep one per connection, it reuses its parser where llhttp lets it."""

    __slots__ = ("_fields", "_last", "_parser")

    def __init__(self) -> None:
        self._fields = FieldReader(REQUEST_NAMES)
        self._parser: HttpRequestParser | None = None
        self._last: tuple[int, list[tuple[int, bytes]], Framing] = (-1, [], Framing())

    def parse(self, data: bytes) -> RequestHead | HeadFault:
        """Reads exactly one head including its final empty line."""
        lines = data.split(b"\r\n")
        tabs = count_tabs(data, len(lines) - 1)
        if isinstance(tabs, HeadFault):
            return tabs
        line = _request_line(lines[0])
        if isinstance(line, HeadFault):
            return line
        if not self._feed(data, len(lines) - 3):
            return diagnose(data, REQUEST_NAMES, line[2])
        framing = self._framing(line[2])
        if isinstance(framing, HeadFault):
            self._parser = None
            return framing
        headers = self._fields.passing(framing, trim=tabs > 0 or b" \r\n" in data)
        return self._head(line, framing, headers, len(data))

    def _feed(self, data: bytes, expected: int) -> bool:
        """Whether llhttp reads `data` as one head of `expected` fields."""
        fields = self._fields
        fields.reset()
        parser = self._parser or HttpRequestParser(fields)
        self._parser = None
        try:
            parser.feed_data(data)
        except HttpParserUpgrade:
            return fields.count() == expected
        except HttpParserError:
            return False
        self._parser = parser
        return fields.count() == expected

    def _framing(self, minor: int) -> Framing | HeadFault:
        """The framing; most requests of a connection say the same about it as the one before."""
        special = self._fields.special
        last = self._last
        if special == last[1] and minor == last[0]:
            return last[2]
        framing = read_framing(special, minor)
        if isinstance(framing, HeadFault):
            return framing
        if framing.host is None and minor == 1:
            return HeadFault(400, "host_missing", "the request has no Host")
        self._last = (minor, special.copy(), framing)
        return framing

    def _head(
        self, line: tuple[str, str, int], framing: Framing, headers: list[Header], size: int
    ) -> RequestHead | HeadFault:
        method, target, minor = line
        host, options, length = framing.host, framing.options, framing.content_length
        close = options.close if minor == 1 else not options.keep_alive
        if length or framing.chunked or close:
            self._parser = None  # it waits for a body that never comes its way, or takes nothing after a close
        return RequestHead(
            method,
            target,
            minor,
            headers,
            None if host is None else host.decode("ascii"),
            length,
            framing.chunked,
            close,
            framing.expect is not None and minor == 1,
            framing.upgrade and options.upgrade,
            framing.proxy_authorization,
            size,
        )


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
