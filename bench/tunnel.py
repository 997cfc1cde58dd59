"""One connection by hand, through a proxy or straight to a server: for what needs no load."""

from __future__ import annotations

import socket
import ssl
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from tameflare.core.errors import TameFlareError

TIMEOUT = 30.0
_END = b"\r\n\r\n"


def unverified() -> ssl.SSLContext:
    """Believes any server; what is measured is not the client."""
    context = ssl.create_default_context()
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    return context


@dataclass(frozen=True)
class Road:
    """How a server is reached: `connect` is the head of a CONNECT, empty where there is no proxy to ask."""

    port: int
    server_name: str
    connect: bytes = b""
    context: ssl.SSLContext = field(default_factory=unverified)

    @contextmanager
    def opened(self) -> Iterator[ssl.SSLSocket]:
        """Raises TameFlareError where the proxy refuses, OSError where the network or TLS does."""
        plain = socket.create_connection(("127.0.0.1", self.port), TIMEOUT)
        with plain:
            if self.connect:
                plain.sendall(self.connect)
                expect_ok(plain, 0)
            with self.context.wrap_socket(plain, server_hostname=self.server_name) as stream:
                yield stream


def expect_ok(stream: socket.socket, body: int) -> bytes:
    """Reads one answer with a body of that size, as it comes. Raises TameFlareError for any status but 200."""
    data = b""
    while _END not in data or len(data) - data.index(_END) - len(_END) < body:
        more = stream.recv(65536)
        if not more:
            raise TameFlareError("the proxy closed a tunnel", data.decode("latin-1")[:500])
        data += more
        if _END in data and b" 200 " not in data[:16]:
            raise TameFlareError("the proxy refused a request", data.decode("latin-1")[:500])
    return data
