"""Tunnels that were used once and stay open, as those of agents that think."""

from __future__ import annotations

import socket
import ssl
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager

from bench.plant import HOST, NUMBER, Plant, connect_head, requests_of
from tameflare.core.errors import TameFlareError

TIMEOUT = 30.0


@contextmanager
def idle_tunnels(plant: Plant, count: int) -> Iterator[None]:
    """Opens them one after the other; each has had one answer before the next begins."""
    context = ssl.create_default_context()
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    with ExitStack() as stack:
        for _ in range(count):
            tunnel = stack.enter_context(_open(plant, context))
            tunnel.sendall(requests_of(0)["json"].replace(NUMBER.encode(), b"7"))
            _expect_ok(tunnel, 1024)
        yield


def _open(plant: Plant, context: ssl.SSLContext) -> ssl.SSLSocket:
    plain = socket.create_connection(("127.0.0.1", plant.proxy_port), TIMEOUT)
    try:
        plain.sendall(connect_head(HOST, plant.token))
        _expect_ok(plain, 0)
        return context.wrap_socket(plain, server_hostname=HOST)
    except BaseException:
        plain.close()
        raise


def _expect_ok(stream: socket.socket, body: int) -> None:
    """Reads one answer with a body of that size."""
    data = b""
    while b"\r\n\r\n" not in data or len(data) - data.index(b"\r\n\r\n") - 4 < body:
        more = stream.recv(65536)
        if not more:
            raise TameFlareError("the proxy closed a tunnel", data.decode("latin-1")[:500])
        data += more
    if b" 200 " not in data[:16]:
        raise TameFlareError("the proxy refused a request", data.decode("latin-1")[:500])
