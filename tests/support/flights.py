"""Requests in flight through a proxy, of every kind that can be cut: begun, and watched until both ends are gone."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass

from tests.support.clients import Gate, request
from tests.support.plane import HOST, Plane, Wire
from tests.support.upstream import Talk, Upstream
from tests.support.waiting import wait_for

from tameflare.wire.tls import TlsShell

RAW = "raw.example.test"
FORM = b"Content-Type: application/x-www-form-urlencoded\r\n"


@dataclass
class Flight:
    """`gone` opens when the upstream has lost the request; None where nothing had reached one."""

    wire: Wire
    gone: Gate | None

    def cut_within(self, seconds: float) -> bytes:
        """What the agent still got until its connection ended, or the head of its refusal where nothing was upstream.

        Fails where either end takes longer.
        """
        began = time.monotonic()
        self.wire.sock.settimeout(seconds)
        if self.gone is None:
            rest = self.wire.until(b"\r\n\r\n")
        else:
            rest = self.wire.rest()
            self.gone.passed()
        assert time.monotonic() - began < seconds
        return rest


Begin = Callable[[Plane, Upstream, Upstream, bytes], Flight]


def _answering(first: bytes, read: int = 0) -> tuple[Callable[[Talk], object], Gate]:
    """A script that reads a head and `read` bytes, says `first`, and tells when the other side has gone."""
    gone = Gate()

    async def script(talk: Talk) -> None:
        await talk.head()
        await talk.body(read)
        await talk.say(first)
        await talk.gone()
        gone.open()

    return script, gone


def download(proxy: Plane, upstream: Upstream, _: Upstream, header: bytes) -> Flight:
    upstream.script, gone = _answering(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n6\r\nhello\n\r\n")
    wire = proxy.tunnel(header=header)
    wire.send(request())
    wire.until(b"hello\n\r\n")
    return Flight(wire, gone)


def events(proxy: Plane, upstream: Upstream, _: Upstream, header: bytes) -> Flight:
    """Server-sent events, until the end of the connection."""
    upstream.script, gone = _answering(b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n\r\ndata: one\n\n")
    wire = proxy.tunnel(header=header)
    wire.send(request(extra=b"Accept: text/event-stream\r\n"))
    wire.until(b"data: one\n\n\r\n")  # as a chunk
    return Flight(wire, gone)


def upload(proxy: Plane, upstream: Upstream, _: Upstream, header: bytes) -> Flight:
    """A body that nobody judges, on its way; the upstream has said nothing yet."""
    arrived, gone = Gate(), Gate()

    async def script(talk: Talk) -> None:
        await talk.head()
        await talk.body(4)
        arrived.open()
        await talk.gone()
        gone.open()

    upstream.script = script
    wire = proxy.tunnel(header=header)
    wire.send(request("POST", extra=b"Content-Length: 100\r\n") + b"half")
    arrived.passed()
    return Flight(wire, gone)


def silence(proxy: Plane, upstream: Upstream, _: Upstream, header: bytes) -> Flight:
    """A request whose answer has not begun."""
    arrived, gone = Gate(), Gate()

    async def script(talk: Talk) -> None:
        await talk.head()
        arrived.open()
        await talk.gone()
        gone.open()

    upstream.script = script
    wire = proxy.tunnel(header=header)
    wire.send(request())
    arrived.passed()
    return Flight(wire, gone)


def judged_body(proxy: Plane, _up: Upstream, _raw: Upstream, header: bytes) -> Flight:
    """A body that must be read before the decision, half of it sent: nothing is upstream yet."""
    wire = proxy.tunnel(header=header)
    wire.send(request("POST", extra=FORM + b"Content-Length: 100\r\nExpect: 100-continue\r\n"))
    wire.until(b"100 Continue\r\n\r\n")
    wire.send(b"a=")
    return Flight(wire, None)


def held(proxy: Plane, _up: Upstream, _raw: Upstream, header: bytes) -> Flight:
    """A request that waits for people: the control plane has been asked, and nothing is upstream."""
    asked = len(proxy.link.questions)
    wire = proxy.tunnel(header=header)
    wire.send(request("DELETE"))
    wait_for(lambda: len(proxy.link.questions) > asked, "people are asked")
    return Flight(wire, None)


def opaque(proxy: Plane, _: Upstream, raw: Upstream, header: bytes) -> Flight:
    """A host that is let through unopened; bytes have gone both ways."""
    gone = Gate()

    async def script(talk: Talk) -> None:
        await talk.reader.read(1)
        await talk.say(b"whatever")
        await talk.gone()
        gone.open()

    raw.script = script
    wire = proxy.connect(RAW, header=header)
    wire.send(TlsShell(proxy.context(), server_side=False, server_hostname=RAW).outgoing())
    wire.until(b"whatever")
    return Flight(wire, gone)


def plain_http(proxy: Plane, _: Upstream, raw: Upstream, header: bytes) -> Flight:
    """Absolute-form, without a tunnel: the credential is in the request itself."""
    raw.script, gone = _answering(b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nhello\n")
    wire = proxy.plain()
    wire.send(f"GET http://{HOST}/ HTTP/1.1\r\nHost: {HOST}\r\n".encode() + header + b"\r\n")
    wire.until(b"hello\n")
    return Flight(wire, gone)


ALL: dict[str, Begin] = {
    each.__name__: each for each in (download, events, upload, silence, judged_body, held, opaque, plain_http)
}
