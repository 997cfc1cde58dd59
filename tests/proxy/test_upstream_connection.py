"""An upstream connection whose TLS breaks under it."""

from __future__ import annotations

import asyncio
import socket
import ssl

from tests.support.waiting import until

from tameflare.proxy.pool import Pool
from tameflare.proxy.upstream import UpstreamConnection
from tameflare.wire.tls import TlsShell


class Listening:
    """A receiver that notes how the connection ended."""

    def __init__(self) -> None:
        self.ends: list[bool] = []

    def received(self, data: bytes) -> None:
        raise AssertionError(data)

    def ended(self, *, clean: bool) -> None:
        self.ends.append(clean)

    def upstream_full(self) -> None: ...

    def upstream_drained(self) -> None: ...


def test_writing_to_broken_tls_ends_the_connection_and_raises_nothing() -> None:
    async def story() -> None:
        loop = asyncio.get_running_loop()
        near, far = socket.socketpair()
        with far:
            shell = TlsShell(ssl.create_default_context(), server_side=False, server_hostname="api.example.test")
            made = UpstreamConnection(("", "https", "", 443), Pool(loop.time), shell, loop.create_future())
            await loop.create_connection(lambda: made, sock=near)
            receiver = made.receiver = Listening()
            made.write(b"before any handshake")
            await until(lambda: receiver.ends == [False], "the receiver is told")
            assert isinstance(made.ready.exception(), ConnectionResetError)

    asyncio.run(story())
