"""The fields that say how a message is framed and what happens to its connection (RFC 9112 §6, §9)."""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import lru_cache
from typing import Final

import msgspec

from tameflare.wire.faults import HeadFault
from tameflare.wire.names import (
    CONNECTION,
    CONTENT_LENGTH,
    DROPPED,
    EXPECT,
    HOST,
    PROXY_AUTHORIZATION,
    TOKEN,
    TRANSFER_ENCODING,
    UPGRADE,
)

_HOST_VALUE: Final = re.compile(rb"(?:\[[0-9A-Fa-f:.]{2,45}\]|[A-Za-z0-9._-]{1,255})(?::[0-9]{1,5})?")
_LONGEST_HOST: Final = 261
_LONGEST_LENGTH: Final = 18  # digits; just under 2**63
_CACHED_CONNECTION: Final = 128


class ConnectionOptions(msgspec.Struct, frozen=True):
    """What `Connection` says; `names` are the fields that end at this hop."""

    close: bool = False
    keep_alive: bool = False
    upgrade: bool = False
    names: frozenset[bytes] = frozenset()


NO_OPTIONS: Final = ConnectionOptions()


class Framing(msgspec.Struct, gc=False):
    """Collected while the fields of one head are read."""

    host: bytes | None = None
    content_length: int | None = None
    chunked: bool = False
    connection: bytes | None = None
    options: ConnectionOptions = NO_OPTIONS
    expect: bytes | None = None
    upgrade: bool = False
    proxy_authorization: bytes | None = None


def _dropped(_framing: Framing, _value: bytes) -> HeadFault | None:
    return None


def _host(framing: Framing, value: bytes) -> HeadFault | None:
    if framing.host is not None:
        return HeadFault(400, "host_repeated", "the message has more than one Host")
    if len(value) > _LONGEST_HOST or not _host_is_plain(value):
        return HeadFault(400, "host_invalid", "the Host field is no host name or address")
    framing.host = value
    return None


@lru_cache(1024)
def _host_is_plain(value: bytes) -> bool:
    return _HOST_VALUE.fullmatch(value) is not None


def _content_length(framing: Framing, value: bytes) -> HeadFault | None:
    if framing.content_length is not None:
        return HeadFault(400, "content_length_repeated", "the message has more than one Content-Length")
    if not value.isdigit() or len(value) > _LONGEST_LENGTH:
        return HeadFault(400, "content_length_invalid", "the Content-Length is not a plain number")
    framing.content_length = int(value)
    return None


def _transfer_encoding(framing: Framing, value: bytes) -> HeadFault | None:
    if framing.chunked or value.lower() != b"chunked":
        return HeadFault(400, "transfer_encoding_unknown", "the Transfer-Encoding is not exactly `chunked`")
    framing.chunked = True
    return None


def _connection(framing: Framing, value: bytes) -> HeadFault | None:
    framing.connection = value if framing.connection is None else framing.connection + b"," + value
    options = connection_options(framing.connection)
    if options is None:
        return HeadFault(400, "connection_invalid", "the Connection field is no list of names")
    framing.options = options
    return None


def connection_options(value: bytes) -> ConnectionOptions | None:
    """The parsed value of `Connection`, or None when it is no list of tokens."""
    return _cached_options(value) if len(value) <= _CACHED_CONNECTION else _read_options(value)


def _read_options(value: bytes) -> ConnectionOptions | None:
    names = {name.strip(b" \t") for name in value.lower().split(b",")} - {b""}
    if not all(map(TOKEN.fullmatch, names)):
        return None
    rest = frozenset(names - {b"close", b"keep-alive", b"upgrade"})
    return ConnectionOptions(b"close" in names, b"keep-alive" in names, b"upgrade" in names, rest)


_cached_options = lru_cache(512)(_read_options)


def _expect(framing: Framing, value: bytes) -> HeadFault | None:
    if framing.expect is not None or value.lower() != b"100-continue":
        return HeadFault(400, "expect_unknown", "the Expect field is not exactly `100-continue`")
    framing.expect = value
    return None


def _upgrade(framing: Framing, _value: bytes) -> HeadFault | None:
    framing.upgrade = True
    return None


def _proxy_authorization(framing: Framing, value: bytes) -> HeadFault | None:
    if framing.proxy_authorization is not None:
        return HeadFault(400, "proxy_authorization_repeated", "the message has more than one Proxy-Authorization")
    framing.proxy_authorization = value
    return None


_READERS: Final[dict[int, Callable[[Framing, bytes], HeadFault | None]]] = {
    DROPPED: _dropped,
    HOST: _host,
    CONTENT_LENGTH: _content_length,
    TRANSFER_ENCODING: _transfer_encoding,
    CONNECTION: _connection,
    EXPECT: _expect,
    UPGRADE: _upgrade,
    PROXY_AUTHORIZATION: _proxy_authorization,
}


def read_framing(special: list[tuple[int, bytes]], minor: int) -> Framing | HeadFault:
    """The framing of a message of version HTTP/1.`minor`, or the first thing that is wrong with it."""
    framing = Framing()
    for field, value in special:
        fault = _READERS[field](framing, value)
        if fault is not None:
            return fault
    if framing.chunked:
        return _check_chunked(framing, minor)
    return framing


def _check_chunked(framing: Framing, minor: int) -> Framing | HeadFault:
    """RFC 9112 §6.1: both framings at once, or chunked in HTTP/1.0, is what request smuggling is made of."""
    if framing.content_length is not None:
        return HeadFault(
            400, "content_length_with_transfer_encoding", "the message has both Content-Length and Transfer-Encoding"
        )
    if minor == 0:
        return HeadFault(400, "transfer_encoding_in_http_1_0", "HTTP/1.0 has no Transfer-Encoding")
    return framing
