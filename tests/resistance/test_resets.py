"""Either side goes away at every moment there is: nobody else notices, and what was let through has its outcome."""

from __future__ import annotations

import socket
import struct
from collections.abc import Callable

import pytest
from tests.resistance.raw import deserted, serves
from tests.support import upstream as scripted
from tests.support.clients import Gate, reason_of, request
from tests.support.plane import HOST, Plane, Wire
from tests.support.upstream import Talk, Upstream

from tameflare.wire.tls import TlsShell

BEGUN = b"HTTP/1.1 200 OK\r\nContent-Length: 100000\r\n\r\n"
PHASES = {
    "before-its-answer": (b"", 502),
    "in-the-status-line": (b"HTTP/1.", 502),
    "in-the-head": (b"HTTP/1.1 200 OK\r\nContent-", 502),
    "after-an-interim-answer": (b"HTTP/1.1 100 Continue\r\n\r\n", 502),
    "after-its-head": (BEGUN, 200),
    "in-its-body": (BEGUN + bytes(5000), 200),
    "before-its-last-byte": (BEGUN + bytes(99_999), 200),
    "in-a-chunk": (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nff\r\nhello", 200),
    "before-the-last-chunk": (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n", 200),
    "until-close": (b"HTTP/1.1 200 OK\r\n\r\nhello", 200),
}


@pytest.mark.parametrize("phase", PHASES)
@pytest.mark.parametrize("how", ["reset", "cut"])
def test_the_upstream_goes(proxy: Plane, upstream: Upstream, phase: str, how: str) -> None:
    said, status = PHASES[phase]

    async def script(talk: Talk) -> None:
        await talk.head()
        if said:
            await talk.say(said)
        talk.reset() if how == "reset" else talk.cut()

    upstream.script = script
    path = f"/{how}/{phase}"
    wire = proxy.tunnel()
    wire.send(request(path=path))
    if status == 502:
        assert wire.reply().json["code"] in ("upstream_closed", "upstream_invalid")
    else:
        got = wire.rest()
        assert got == b"" or got.startswith(b"HTTP/1.1 502") or not _whole(got)
    assert reason_of(proxy, path) in ("upstream_closed", "upstream_invalid")
    upstream.script = scripted.polite
    serves(proxy, upstream)


def _whole(answer: bytes) -> bool:
    """Whether an agent would take this for an answer that has ended."""
    head, _, body = answer.partition(b"\r\n\r\n")
    return body.endswith(b"0\r\n\r\n") if b"chunked" in head else len(body) >= 100_000


def _bare(proxy: Plane) -> Wire:
    return proxy.plain()


def _half_a_head(proxy: Plane) -> Wire:
    wire = proxy.plain()
    wire.send(b"CONNECT api.exam")
    return wire


def _half_a_hello(proxy: Plane) -> Wire:
    wire = proxy.connect()
    wire.send(TlsShell(proxy.context(), server_side=False, server_hostname=HOST).outgoing()[:100])
    return wire


def _half_a_handshake(proxy: Plane) -> Wire:
    wire = proxy.connect()
    wire.send(TlsShell(proxy.context(), server_side=False, server_hostname=HOST).outgoing())
    wire.more()
    return wire


def _half_a_request(proxy: Plane) -> Wire:
    wire = proxy.tunnel()
    wire.send(b"GET / HT")
    return wire


def _after_an_answer(proxy: Plane) -> Wire:
    wire = proxy.tunnel()
    assert wire.get().status == 200
    return wire


def _unread_answers(proxy: Plane) -> Wire:
    wire = proxy.tunnel()
    wire.send(request(path="/unread") * 20)
    return wire


AGENTS = [_bare, _half_a_head, Plane.connect, _half_a_hello, _half_a_handshake, Plane.tunnel, _half_a_request]


@pytest.mark.parametrize("begin", [*AGENTS, _after_an_answer, _unread_answers], ids=lambda begin: begin.__name__)
@pytest.mark.parametrize("linger", [True, False], ids=["close", "reset"])
def test_the_agent_goes(proxy: Plane, upstream: Upstream, begin: Callable[[Plane], Wire], linger: bool) -> None:
    wire = begin(proxy)
    if not linger:
        wire.sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    wire.close()
    serves(proxy, upstream)
    proxy.hang_up()
    deserted(proxy)


@pytest.mark.parametrize("upload", [False, True], ids=["answer", "upload"])
def test_the_agent_goes_while_bytes_flow(proxy: Plane, upstream: Upstream, upload: bool) -> None:
    begun, gone = Gate(), Gate()

    async def script(talk: Talk) -> None:
        await talk.head()
        if upload:
            await talk.body(50_000)
        else:
            await talk.say(BEGUN + bytes(50_000))
        begun.open()
        await talk.gone()
        gone.open()

    upstream.script = script
    path = f"/flowing-{upload}"
    wire = proxy.tunnel()
    extra = b"Content-Length: 100000\r\n" if upload else b""
    wire.send(request("POST" if upload else "GET", path, extra) + (bytes(60_000) if upload else b""))
    begun.passed()
    wire.sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    wire.close()
    gone.passed()
    assert reason_of(proxy, path) == "client_closed"
