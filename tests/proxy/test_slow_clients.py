"""Clients that take their time to say what they want (slow loris) are not waited for."""

from __future__ import annotations

import pytest
from tests.support.clients import is_closed, recorded_path, request
from tests.support.plane import HOST, Plane, Wire
from tests.support.upstream import Talk, Upstream
from tests.support.waiting import wait_for

from tameflare.wire.tls import TlsShell

ENVIRONMENT = {"TF_HEAD_TIMEOUT": "2", "TF_CLIENT_IDLE_TIMEOUT": "2", "TF_IDLE_TIMEOUT": "2"}


def drip(wire: Wire, what: bytes = b"x") -> None:
    """Send a byte now and then until the proxy has closed."""

    def closed() -> bool:
        try:
            wire.send(what)
        except OSError:
            return True
        return is_closed(wire)

    wait_for(closed, "the proxy closes")


def test_silence_is_closed(proxy: Plane) -> None:
    assert proxy.plain().rest() == b""


def test_half_a_head_is_closed(proxy: Plane) -> None:
    wire = proxy.plain()
    wire.send(b"CONNECT api.example.test:443 HTTP/1.1\r\nHost: ")
    assert wire.rest() == b""


def test_a_head_byte_by_byte_is_closed(proxy: Plane) -> None:
    wire = proxy.plain()
    wire.send(b"GET http://api.example.test/ HTTP/1.1\r\nX-Slow: ")
    drip(wire)


def test_half_a_head_inside_a_tunnel_is_closed(proxy: Plane, upstream: Upstream) -> None:
    wire = proxy.tunnel()
    assert wire.get().status == 200
    wire.send(b"GET / HTTP/1.1\r\nX-Slow: ")
    drip(wire)
    assert len(upstream.seen) == 1


def test_silence_after_connect_is_closed(proxy: Plane) -> None:
    assert proxy.connect().rest() == b""


def test_silence_after_the_handshake_is_closed(proxy: Plane) -> None:
    assert proxy.tunnel().rest() == b""


def test_half_a_client_hello_is_closed(proxy: Plane) -> None:
    first = TlsShell(proxy.context(), server_side=False, server_hostname=HOST).outgoing()
    wire = proxy.connect()
    wire.send(first[: len(first) // 2])
    assert wire.rest() == b""


def test_a_client_hello_byte_by_byte_is_closed(proxy: Plane) -> None:
    wire = proxy.connect()
    wire.send(b"\x16\x03\x01\x40\x00\x01\x00\x3f\xfc")
    drip(wire, b"\x00")


@pytest.mark.parametrize("said", [b"", b"G"])
def test_an_idle_connection_is_closed(proxy: Plane, upstream: Upstream, said: bytes) -> None:
    wire = proxy.tunnel()
    assert wire.get().status == 200
    if said:
        wire.send(said)
    assert wire.rest() == b""


def test_a_page_asked_for_with_half_a_body_is_closed(proxy: Plane) -> None:
    wire = proxy.plain()
    wire.send(request("POST", "/run", proxy.header() + b"Content-Length: 60000\r\n", "localhost") + b"{")
    drip(wire, b" ")


def test_a_judged_body_that_does_not_come_is_closed(proxy: Plane, upstream: Upstream) -> None:
    wire = proxy.tunnel()
    form = b"Content-Type: application/x-www-form-urlencoded\r\nContent-Length: 100\r\n"
    wire.send(request("POST", "/unfinished", form) + b"a=")
    assert wire.reply().status == 400
    assert wire.rest() == b""
    assert recorded_path(proxy, "/unfinished")[0].reason == "bad_request"
    assert upstream.seen == []


def test_a_streamed_body_that_does_not_come_is_closed(proxy: Plane, upstream: Upstream) -> None:
    async def script(talk: Talk) -> None:
        await talk.head()
        await talk.gone()

    upstream.script = script
    wire = proxy.tunnel()
    wire.send(request("POST", extra=b"Content-Length: 100\r\n") + b"abc")
    wire.rest()


def test_a_session_of_a_run_is_not_closed_for_its_silence(proxy: Plane) -> None:
    """It says nothing from the beginning to the end of the run; other connections that say nothing are closed."""
    session = proxy.plain()
    session.send(request("POST", "/run", proxy.header(), "localhost"))
    assert session.head().status == 200
    session.until(b"}\n\r\n")
    for _ in range(2):
        assert proxy.plain().rest() == b""
    assert not is_closed(session)
