"""The proxy's door for agents on other machines: TLS round the connection, and a clear word to who speaks none."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import Callable
from typing import Final

import structlog

from tameflare.proxy import answers
from tameflare.proxy.tls_transport import TlsTransport
from tameflare.wire.sniff import FirstBytes, sniff
from tameflare.wire.tls import TlsFault, TlsShell

log = structlog.get_logger(__name__)

LONGEST_FIRST: Final = 16
TLS_NEEDED: Final = answers.plain(
    400,
    "tls_needed",
    "this port of the proxy speaks TLS; write https:// in the proxy's address, or use a client that can do that",
    phrase="This proxy speaks TLS",
)


OnFailure = Callable[[str, bool], None]
"""Told of each handshake that fails: whose, by address, and whether plain HTTP was spoken."""


class Door(TlsTransport):
    """The connection inside exists from the first moment: it takes its place among the others and has its time-out
    before the handshake, so that handshakes are limited like everything else that strangers may do."""

    __slots__ = ("_first", "_on_failure")

    def __init__(self, context: ssl.SSLContext, inner: asyncio.Protocol, on_failure: OnFailure) -> None:
        super().__init__(TlsShell(context, server_side=True), inner)
        self._first: bytes | None = b""
        self._on_failure = on_failure

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        super().connection_made(transport)
        self._inner.connection_made(self)

    def data_received(self, data: bytes) -> None:
        if self._first is None:
            super().data_received(data)
            return
        first = self._first + data
        found = sniff(first)
        if found is FirstBytes.MORE and len(first) < LONGEST_FIRST:
            self._first = first
            return
        self._first = None
        if found is FirstBytes.TLS:
            super().data_received(first)
        else:
            self._turn_away(found)

    def _turn_away(self, found: FirstBytes) -> None:
        plain = found is FirstBytes.HTTP
        self._on_failure(self._peer(), plain)
        if plain:
            self._raw.write(TLS_NEEDED)
        self._raw.close()

    def _failed(self, fault: TlsFault) -> None:
        self._on_failure(self._peer(), False)
        log.debug("tls failed at the listener", peer=self._peer(), fault=str(fault))
        super()._failed(fault)

    def _peer(self) -> str:
        place = self._raw.get_extra_info("peername")
        return str(place[0]) if place else ""
