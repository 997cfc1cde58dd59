"""The way through a company's proxy: CONNECT to the address that was checked, then the connection is ours."""

from __future__ import annotations

import asyncio
import base64
import ssl
from typing import Final, cast

from tameflare.proxy.resolver import Place
from tameflare.proxy.tls_transport import TlsTransport
from tameflare.setting_values import UpstreamProxy
from tameflare.wire.tls import TlsFault, TlsShell

LARGEST_ANSWER: Final = 16 * 1024
_SAID: Final = {
    "403": "it refuses (403); it is asked for addresses, so its rules must let this machine reach them",
    "502": "it does not get there (502)",
    "503": "it does not get there (503)",
    "504": "it gets no answer from there (504)",
}


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
            self._fail(self._meaning(b"".join(status).decode("latin-1")))
        elif not self.open.done():
            self.open.set_result(None)

    def _meaning(self, status: str) -> str:
        if status == "407" and self._via.credential:
            return "it does not accept the user and password of TF_UPSTREAM_PROXY (407)"
        if status == "407":
            return "it asks for a user and password, and TF_UPSTREAM_PROXY has none (407)"
        return _SAID.get(status) or f"it answered {status if status.isdecimal() else 'no HTTP'}"

    def connection_lost(self, fault: Exception | None) -> None:
        if self.open.done():
            return
        if isinstance(fault, TlsFault):
            self.open.set_exception(HopFault(_tls_failed(fault)))
        else:
            self.open.set_exception(fault if isinstance(fault, OSError) else HopFault("it closed the connection"))

    def _fail(self, message: str) -> None:
        if not self.open.done():
            self.open.set_exception(HopFault(message))
        self.transport.abort()


class TlsHop(TlsTransport):
    """TLS to the company's proxy; the hop in it begins after the handshake."""

    def __init__(self, context: ssl.SSLContext, via: UpstreamProxy, hop: Hop) -> None:
        super().__init__(TlsShell(context, server_side=False, server_hostname=via.host), hop)
        self._hop = hop

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        super().connection_made(transport)
        self._raw.write(self._shell.outgoing())

    def shaken(self) -> None:
        self._hop.connection_made(self)


async def connect_through(via: UpstreamProxy, target: Place, context: ssl.SSLContext) -> asyncio.Transport:
    """A transport to `target` that nothing was sent on yet; `context` verifies a proxy in TLS. Raises OSError."""
    loop = asyncio.get_running_loop()
    hop = Hop(via, target)
    outer = TlsHop(context, via, hop) if via.secure else hop
    try:
        transport, _ = await loop.create_connection(lambda: outer, via.host, via.port)
    except OSError as fault:
        raise HopFault(f"it cannot be reached: {fault.strerror}") from None
    try:
        await hop.open
    except BaseException:
        transport.abort()
        raise
    return hop.transport


def _tls_failed(fault: TlsFault) -> str:
    if fault.certificate:
        return f"its certificate: {fault.certificate}"
    if fault.reason == "wrong_version_number":
        return "it speaks no TLS; write http://"
    return f"it failed the TLS handshake: {fault.message}"
