"""TLS inside TLS for clients of tests: what `ssl` wraps must be a bare socket, so the inner one stands over buffers."""

from __future__ import annotations

import socket
import ssl
from collections.abc import Callable
from typing import TypeVar

T = TypeVar("T")
PIECE = 65536


class Nested:
    """As much of a socket as tests use, in TLS over `outer`."""

    def __init__(self, outer: ssl.SSLSocket, context: ssl.SSLContext, server_hostname: str) -> None:
        self.outer = outer
        self._in, self._out = ssl.MemoryBIO(), ssl.MemoryBIO()
        self._inner = context.wrap_bio(self._in, self._out, server_hostname=server_hostname)
        self._carry_out(self._inner.do_handshake)

    def _carry_out(self, deed: Callable[[], T]) -> T:
        """Feed it what it asks for until it is done."""
        while True:
            try:
                done = deed()
            except ssl.SSLWantReadError:
                self._flush()
                data = self.outer.recv(PIECE)
                if data:
                    self._in.write(data)
                else:
                    self._in.write_eof()
            else:
                self._flush()
                return done

    def _flush(self) -> None:
        if self._out.pending:
            self.outer.sendall(self._out.read())

    def sendall(self, data: bytes) -> None:
        view = memoryview(data)
        while view:
            view = view[self._inner.write(view[:PIECE]) :]
            self._flush()

    def send(self, data: bytes) -> int:
        """At most a record; where the outer connection does not take it in time, TimeoutError, and the end."""
        taken = self._inner.write(data[:16384])
        self._flush()
        return taken

    def recv(self, size: int) -> bytes:
        try:
            return self._carry_out(lambda: self._inner.read(size))
        except ssl.SSLZeroReturnError:
            return b""

    def close(self) -> None:
        self.outer.close()

    def settimeout(self, seconds: float | None) -> None:
        self.outer.settimeout(seconds)

    def gettimeout(self) -> float | None:
        return self.outer.gettimeout()

    def version(self) -> str | None:
        return self._inner.version()

    def getpeercert(self, binary_form: bool = False) -> object:
        return self._inner.getpeercert(binary_form)

    def fileno(self) -> int:
        return self.outer.fileno()

    def shutdown(self, how: int) -> None:
        self.outer.shutdown(how)


def inside(sock: socket.socket, context: ssl.SSLContext, server_hostname: str) -> socket.socket:
    """TLS over a connection, whether that is in TLS already or not."""
    if isinstance(sock, ssl.SSLSocket):
        return Nested(sock, context, server_hostname)  # type: ignore[return-value]  # as much of one as is used
    return context.wrap_socket(sock, server_hostname=server_hostname)
