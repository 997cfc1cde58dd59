"""An agent that ends its half of the stream: what it asked for before is on record, and nothing hangs."""

from __future__ import annotations

import socket

from tests.resistance.raw import deserted
from tests.support.clients import Gate, reason_of, request, shake_hands
from tests.support.plane import HOST, Plane
from tests.support.upstream import Talk, Upstream, answer

from tameflare.wire.tls import TlsShell


def test_after_a_request_inside_tls(proxy: Plane, upstream: Upstream) -> None:
    """close_notify alone leaves the answer its way (RFC 8446 section 6.1)."""
    asked, gate = Gate(), Gate()

    async def script(talk: Talk) -> None:
        await talk.head()
        asked.open()
        await gate.wait(talk)
        await talk.say(answer(b"late"))

    upstream.script = script
    wire = proxy.connect()
    shell = TlsShell(proxy.context(), server_side=False, server_hostname=HOST)
    wire.send(shell.outgoing())
    shake_hands(wire, shell)
    wire.send(shell.send(request(path="/half")) + shell.close())
    asked.passed()
    gate.open()
    plain = b""
    while b"late" not in plain:
        assert wire.more()
        plain += shell.receive(wire.take_all())
    assert plain.startswith(b"HTTP/1.1 200")


def test_of_the_whole_stream(proxy: Plane, upstream: Upstream) -> None:
    """The end of TCP's half is taken for the end: the upstream is let go, and the outcome says why."""
    asked, gone = Gate(), Gate()

    async def script(talk: Talk) -> None:
        await talk.head()
        asked.open()
        await talk.gone()
        gone.open()

    upstream.script = script
    wire = proxy.tunnel()
    wire.send(request(path="/half-gone"))
    asked.passed()
    wire.sock.shutdown(socket.SHUT_WR)
    gone.passed()
    assert reason_of(proxy, "/half-gone") == "client_closed"
    wire.close()
    deserted(proxy)


def test_before_anything_was_asked(proxy: Plane) -> None:
    for wire in (proxy.plain(), proxy.connect(), proxy.tunnel()):
        wire.sock.shutdown(socket.SHUT_WR)
        assert b"HTTP/" not in wire.rest()
    proxy.hang_up()
    deserted(proxy)
