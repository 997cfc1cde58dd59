"""The way through a company's proxy: CONNECT to the address that was checked, then the connection is ours."""

from __future__ import annotations

import asyncio
import base64
from typing import Final, cast

from tameflare.proxy.resolver import Place
from tameflare.setting_values import UpstreamProxy

LARGEST_ANSWER: Final = 16 * 1024


class HopFault(OSError):
    """The company's proxy did not let us through."""

    def __init__(self, message: str) -> None:
        super().__init__(0, message)


class Hop(asyncio.Protocol):
    """Asks for one target by address, so that the far side looks nothing up (RFC 9110 section 9.3.6)."""

    def __init__(self, via: UpstreamProxy, target: Place) -> None:
        self._via = via
        self._target = target
        self._answer = b""
        self.open: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self.transport: asyncio.Transport

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast("asyncio.Transport", transport)
        address, port = self._target
        authority = f"[{address}]:{port}" if ":" in address else f"{address}:{port}"
        lines = [f"CONNECT {authority} HTTP/1.1", f"Host: {authority}"]
        if self._via.credential:
            pair = base64.b64encode(self._via.credential.reveal().encode()).decode()
            lines.append(f"Proxy-Authorization: Basic {pair}")
        self.transport.write("\r\n".join((*lines, "", "")).encode())

    def data_received(self, data: bytes) -> None:
        self._answer += data
        head, end, rest = self._answer.partition(b"\r\n\r\n")
        if not end:
            if len(self._answer) > LARGEST_ANSWER:
                self._fail("it answered no HTTP")
            return
        status = head.split(b"\r\n")[0].split(b" ")[1:2]
        if status != [b"200"] or rest:
            self._fail(f"it answered {b''.join(status).decode('latin-1') or 'no HTTP'}")
        elif not self.open.done():
            self.open.set_result(None)

    def connection_lost(self, fault: Exception | None) -> None:
        if not self.open.done():
            self.open.set_exception(fault if isinstance(fault, OSError) else HopFault("it closed the connection"))

    def _fail(self, message: str) -> None:
        if not self.open.done():
            self.open.set_exception(HopFault(message))
        self.transport.abort()


async def connect_through(via: UpstreamProxy, target: Place) -> asyncio.Transport:
    """A transport to `target` that nothing was sent on yet. Raises OSError."""
    loop = asyncio.get_running_loop()
    transport, hop = await loop.create_connection(lambda: Hop(via, target), via.host, via.port)
    try:
        await hop.open
    except BaseException:
        transport.abort()
        raise
    return transport
