"""TLS as a layer under a protocol that knows nothing of it: a protocol to the socket, a transport to what is inside.

It stands over memory buffers like all TLS here, so it keeps nothing: what comes is decrypted and handed on at once,
what is written is encrypted and written at once, and back-pressure is the socket's own, both ways.
"""

from __future__ import annotations

import asyncio
from typing import Any, cast

from tameflare.wire.tls import TlsFault, TlsShell


class TlsTransport(asyncio.Transport, asyncio.Protocol):
    """One connection in TLS, with the protocol `inner` inside. Who derives from it says when `inner` is told of it."""

    __slots__ = ("_ended", "_fault", "_inner", "_raw", "_shell", "_stays")

    def __init__(self, shell: TlsShell, inner: asyncio.Protocol) -> None:
        super().__init__()
        self._shell = shell
        self._inner = inner
        self._raw: asyncio.Transport
        self._fault: TlsFault | None = None
        self._ended = self._stays = False

    def shaken(self) -> None:
        """The handshake is done, and nothing was handed on yet."""

    # --- the protocol to the socket

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._raw = cast("asyncio.Transport", transport)

    def data_received(self, data: bytes) -> None:
        shell, before = self._shell, self._shell.handshaken
        try:
            plain = shell.receive(data)
        except TlsFault as fault:
            self._failed(fault)
            return
        if shell.owes.pending:
            self._raw.write(shell.outgoing())
        if shell.handshaken and not before:
            self.shaken()
        if plain:
            self._inner.data_received(plain)
        if shell.peer_closed:
            self._end_of_input()

    def eof_received(self) -> bool:
        """An end without close_notify is one too: what is inside tells by itself where its messages end."""
        return self._shell.handshaken and self._end_of_input()

    def connection_lost(self, fault: Exception | None) -> None:
        self._inner.connection_lost(self._fault or fault)

    def pause_writing(self) -> None:
        self._inner.pause_writing()

    def resume_writing(self) -> None:
        self._inner.resume_writing()

    def _end_of_input(self) -> bool:
        """Whether the other direction goes on."""
        if not self._ended:
            self._ended = True
            self._stays = bool(self._inner.eof_received())
            if not self._stays:
                self.close()
        return self._stays

    def _failed(self, fault: TlsFault) -> None:
        """The alert, if there is one to send, and the end."""
        self._fault = fault
        self._raw.write(self._shell.outgoing())
        self._raw.close()

    # --- the transport to what is inside

    def write(self, data: bytes | bytearray | memoryview) -> None:
        """Before the handshake there is nobody who could read it: dropped."""
        if not self._shell.handshaken:
            return
        try:
            self._raw.write(self._shell.send(bytes(data)))
        except TlsFault:
            self._raw.abort()

    def can_write_eof(self) -> bool:
        return self._shell.handshaken

    def write_eof(self) -> None:
        """close_notify: the peer may go on sending (RFC 8446 section 6.1)."""
        self._raw.write(self._shell.close())

    def close(self) -> None:
        if not self._raw.is_closing():
            self._raw.write(self._shell.close())
            self._raw.close()

    def abort(self) -> None:
        self._raw.abort()

    def is_closing(self) -> bool:
        return self._raw.is_closing()

    def is_reading(self) -> bool:
        return self._raw.is_reading()

    def pause_reading(self) -> None:
        self._raw.pause_reading()

    def resume_reading(self) -> None:
        self._raw.resume_reading()

    def set_write_buffer_limits(self, high: int | None = None, low: int | None = None) -> None:
        self._raw.set_write_buffer_limits(high, low)

    def get_write_buffer_size(self) -> int:
        return self._raw.get_write_buffer_size()

    def get_write_buffer_limits(self) -> tuple[int, int]:
        return self._raw.get_write_buffer_limits()

    def get_extra_info(self, name: str, default: Any = None) -> Any:
        return self._raw.get_extra_info(name, default)

    def set_protocol(self, protocol: asyncio.BaseProtocol) -> None:
        self._inner = cast("asyncio.Protocol", protocol)

    def get_protocol(self) -> asyncio.BaseProtocol:
        return self._inner
