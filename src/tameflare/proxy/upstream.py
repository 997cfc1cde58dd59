"""One connection to an upstream server, plain or inside TLS that we drive ourselves.

TLS stands over memory buffers here as it does on the agents' side (docs/decisions/0001): a message costs a third of
what the loop's own TLS takes, and the end of the peer's stream is told from a cut.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Protocol, cast

from tameflare.proxy.flow import WRITE_BUFFER
from tameflare.wire.tls import TlsFault, TlsShell

Key = tuple[str, str, str, int]
"""Fingerprint of connector, credential and allowed addresses; scheme; host; port."""


class Receiver(Protocol):
    """Who uses a connection now."""

    def received(self, data: bytes) -> None: ...

    def ended(self, *, clean: bool) -> None:
        """The upstream will send no more; `clean` unless it was cut off."""

    def upstream_full(self) -> None: ...

    def upstream_drained(self) -> None: ...


class Keeper(Protocol):
    """Who keeps idle connections."""

    def forget(self, connection: UpstreamConnection) -> None: ...


class UpstreamConnection(asyncio.Protocol):
    """It belongs to at most one receiver at a time; whatever arrives in between ends it.

    `ready` is done when requests may be sent: at once without TLS, else after the handshake, or with its TlsFault.
    """

    __slots__ = ("_keeper", "_shell", "idle_since", "key", "ready", "receiver", "transport", "used", "write")

    def __init__(self, key: Key, keeper: Keeper, shell: TlsShell | None, ready: asyncio.Future[None]) -> None:
        self.key = key
        self.ready = ready
        self._keeper = keeper
        self._shell = shell
        self.receiver: Receiver | None = None
        self.used = False
        self.idle_since = 0.0
        self.transport: asyncio.Transport
        self.write: Callable[[bytes], None]

    # --- the transport

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast("asyncio.Transport", transport)
        self.transport.set_write_buffer_limits(high=WRITE_BUFFER)
        if self._shell is None:
            self.write = self.transport.write
            self.ready.set_result(None)
        else:
            self.write = self._seal
            self.transport.write(self._shell.outgoing())

    def data_received(self, data: bytes) -> None:
        if self._shell is None:
            self._deliver(data)
        else:
            self._unseal(self._shell, data)

    def eof_received(self) -> bool:
        self._end(clean=self._shell is None or self._shell.peer_closed)
        return False

    def connection_lost(self, fault: Exception | None) -> None:
        if not self.ready.done():
            self.ready.set_exception(fault or ConnectionResetError("closed during the TLS handshake"))
        self._end(clean=False)

    def pause_writing(self) -> None:
        if self.receiver is not None:
            self.receiver.upstream_full()

    def resume_writing(self) -> None:
        if self.receiver is not None:
            self.receiver.upstream_drained()

    # --- TLS

    def _seal(self, data: bytes) -> None:
        """Broken TLS ends this connection alone: others are released in the same turn."""
        assert self._shell is not None
        try:
            self.transport.write(self._shell.send(data))
        except TlsFault:
            self.transport.abort()

    def _unseal(self, shell: TlsShell, data: bytes) -> None:
        try:
            plain = shell.receive(data)
        except TlsFault as fault:
            self._tls_failed(shell, fault)
            return
        if shell.owes.pending:
            self.transport.write(shell.outgoing())
        if plain:
            receiver = self.receiver
            if receiver is None:
                self.discard()
            else:
                receiver.received(plain)
        elif shell.handshaken and not self.ready.done():
            self.ready.set_result(None)
        if shell.peer_closed:
            self._end(clean=True)

    def _tls_failed(self, shell: TlsShell, fault: TlsFault) -> None:
        self.transport.write(shell.outgoing())
        self.transport.close()
        if not self.ready.done():
            self.ready.set_exception(fault)
        self._end(clean=False)

    # --- the receiver

    def _deliver(self, data: bytes) -> None:
        if self.receiver is None:
            self.discard()
        else:
            self.receiver.received(data)

    def discard(self) -> None:
        """Close without ceremony; never to be used again."""
        self.receiver = None
        self._keeper.forget(self)
        if not self.transport.is_closing():
            self.transport.abort()

    def _end(self, *, clean: bool) -> None:
        self._keeper.forget(self)
        receiver, self.receiver = self.receiver, None
        if receiver is not None:
            receiver.ended(clean=clean)
        if not self.transport.is_closing():
            self.transport.close()
