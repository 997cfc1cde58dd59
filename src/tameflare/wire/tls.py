"""One TLS connection as a shell round bytes: ciphertext in, plaintext out, and the other way.

OpenSSL works on two memory buffers, never on a socket. That lets the proxy look at the first bytes of a tunnel before
it decides on TLS, and take a ClientHello that came in the same packet as the CONNECT. The shell keeps nothing: what
`receive` is given is decrypted and returned at once, so memory is bounded by the largest piece that the caller hands in
plus one incomplete record (16 KiB).
"""

from __future__ import annotations

import ssl
from collections.abc import Callable
from contextlib import suppress
from typing import Final

from tameflare.wire.faults import TlsFault

__all__: Final = ["TlsFault", "TlsShell"]

_RECORD: Final = 16384  # the most plaintext that one record holds, RFC 8446 §5.1
_OVERHEAD: Final = 40  # more than the bytes of ciphertext that the smallest record needs for one of plaintext
_MOST_BARREN: Final = 24 << 10  # more than an incomplete record


class _Connection(ssl.SSLObject):
    """Keeps the server name that the client asked for."""

    server_name: str | None = None

    def calls(self) -> tuple[Callable[[int], bytes], Callable[[bytes | memoryview], int]]:
        """Reading and writing one record, without a Python call on the way to OpenSSL: it is done for every message."""
        inner = self._sslobj  # type: ignore[attr-defined]  # what the class wraps; subclasses are meant to reach it
        return inner.read, inner.write


def _keep_server_name(connection: ssl.SSLObject, name: str | None, _context: ssl.SSLContext) -> None:
    if isinstance(connection, _Connection):
        connection.server_name = name


def _adopt(context: ssl.SSLContext, *, server_side: bool) -> None:
    """Makes connections of `context` ours, and those of servers keep the name of the ClientHello; once per context."""
    if context.sslobject_class is not _Connection:
        context.sslobject_class = _Connection
        if server_side:
            context.sni_callback = _keep_server_name


class TlsShell:
    """The TLS state of one connection, without its socket.

    `handshaken` is set by the `receive` that ends the handshake; `peer_closed` when the peer said close_notify, without
    which the end of the connection is a truncation. `owes.pending` is how many bytes wait in `outgoing`.
    """

    __slots__ = ("_barren", "_connection", "_in", "_out", "_read", "_write", "handshaken", "owes", "peer_closed")

    def __init__(self, context: ssl.SSLContext, *, server_side: bool, server_hostname: str | None = None) -> None:
        _adopt(context, server_side=server_side)
        self._in = ssl.MemoryBIO()
        self._out = self.owes = ssl.MemoryBIO()
        connection = context.wrap_bio(self._in, self._out, server_side, server_hostname)
        assert isinstance(connection, _Connection)
        self._connection = connection
        self._read, self._write = connection.calls()
        self._barren = 0
        self.handshaken = False
        self.peer_closed = False
        if not server_side:
            self._shake()

    @property
    def sni(self) -> str | None:
        """The server name of the ClientHello; None before it came or when it has none."""
        return self._connection.server_name

    @property
    def version(self) -> str | None:
        """Such as `TLSv1.3`; None before the handshake."""
        return self._connection.version()

    def receive(self, data: bytes) -> bytes:
        """Takes ciphertext, returns the plaintext in it (b"" while shaking hands); look at `outgoing` afterwards.

        TlsFault when the peer's TLS is broken; the alert for it is then in `outgoing`. There is none when the first
        bytes were no TLS at all, because nobody there would understand it.
        """
        if len(data) <= _RECORD:
            return self._take(data)
        whole = memoryview(data)
        return b"".join([self._take(whole[at : at + _RECORD]) for at in range(0, len(data), _RECORD)])

    def _take(self, data: bytes | memoryview) -> bytes:
        """OpenSSL works through all that it has in one go, so it never gets more than one record's worth."""
        if self.peer_closed:
            return b""
        waiting = self._in
        waiting.write(data)
        if not self.handshaken and not self._shake():
            return b""
        first = self._record() if waiting.pending else b""
        plain = self._rest(first) if waiting.pending and first else first
        self._count(len(data), len(plain))
        return plain

    def _count(self, cipher: int, plain: int) -> None:
        """Records without data, such as new keys as often as the peer likes (RFC 8446 §4.6.3), cost us more than it."""
        self._barren = max(0, self._barren + cipher - _OVERHEAD * plain)
        if self._barren > _MOST_BARREN:
            raise TlsFault("TLS failed: too many records without data", "too_many_records")

    def outgoing(self) -> bytes:
        """Ciphertext that must be written to the peer now, b"" when there is none."""
        return self._out.read() if self._out.pending else b""

    def send(self, plain: bytes) -> bytes:
        """The ciphertext of `plain`, with anything else that was waiting; TlsFault before the handshake is done."""
        try:
            sent = self._write(plain) if plain else 0
            while sent < len(plain):
                sent += self._write(memoryview(plain)[sent:])
        except ssl.SSLError as fault:
            raise _tls_fault(fault) from fault
        return self._out.read()

    def close(self) -> bytes:
        """close_notify, once; the peer may go on sending until it closes its own direction (RFC 8446 §6.1)."""
        if self.handshaken:
            with suppress(ssl.SSLError):  # it always asks for the peer's close_notify, which may never come
                self._connection.unwrap()
        return self._out.read()

    def _shake(self) -> bool:
        try:
            self._connection.do_handshake()
        except ssl.SSLWantReadError:
            return False
        except ssl.SSLError as fault:
            raise _tls_fault(fault) from fault
        self.handshaken = True
        return True

    def _record(self) -> bytes:
        """The plaintext of the next record; empty where it is not whole yet, or says that the peer is done."""
        try:
            piece = self._read(_RECORD)
        except ssl.SSLWantReadError:
            return b""
        except ssl.SSLZeroReturnError:  # instead of b"" once both directions are closed
            piece = b""
        except ssl.SSLError as fault:
            raise _tls_fault(fault) from fault
        if not piece:
            self.peer_closed = True
        return piece

    def _rest(self, first: bytes) -> bytes:
        """Everything else that can be decrypted now, record by record."""
        pieces = [first]
        while self._in.pending and (piece := self._record()):
            pieces.append(piece)
        return b"".join(pieces)


def _tls_fault(fault: ssl.SSLError) -> TlsFault:
    named: str | None = getattr(fault, "reason", None)  # None in faults that Python raises by itself
    reason = (named or "tls_error").lower()
    certificate = fault.verify_message if isinstance(fault, ssl.SSLCertVerificationError) else ""
    return TlsFault(f"TLS failed: {reason.replace('_', ' ')}", reason, certificate)
