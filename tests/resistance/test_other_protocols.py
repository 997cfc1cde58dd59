"""HTTP/2, WebSocket and whatever else somebody would speak inside a tunnel: HTTP/1.1 is what is governed."""

from __future__ import annotations

import pytest
from tests.resistance.raw import exchanged, serves, statuses
from tests.support.plane import HOST, Plane, Wire
from tests.support.upstream import Talk, Upstream

PREFACE = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + bytes.fromhex("000000040000000000")
SETTINGS = b"HTTP2-Settings: AAMAAABkAARAAAAAAAIAAAAA\r\n"
SWITCH = b"HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: h2c\r\n\r\n"


def speaking(proxy: Plane, *protocols: str) -> Wire:
    """A tunnel whose client offers these protocols in its handshake."""
    context = proxy.context()
    context.set_alpn_protocols(list(protocols))
    wire = proxy.connect()
    wire.sock = context.wrap_socket(wire.sock, server_hostname=HOST)
    return wire


@pytest.mark.parametrize("protocols", [("h2", "http/1.1"), ("http/1.1",), ("h3", "http/1.1", "h2")])
def test_a_client_that_can_do_both_is_given_http_1(
    proxy: Plane, upstream: Upstream, protocols: tuple[str, ...]
) -> None:
    wire = speaking(proxy, *protocols)
    assert wire.sock.selected_alpn_protocol() == "http/1.1"  # type: ignore[attr-defined]
    assert wire.get().status == 200


def test_a_client_that_only_does_http_2_gets_nothing_through(proxy: Plane, upstream: Upstream) -> None:
    before = upstream.connections
    wire = speaking(proxy, "h2")
    assert wire.sock.selected_alpn_protocol() is None  # type: ignore[attr-defined]
    assert statuses(exchanged(wire, PREFACE))[:1] in ([400], [505])
    assert upstream.connections == before


def test_http_2_without_tls(proxy: Plane, upstream: Upstream) -> None:
    before = upstream.connections
    assert not exchanged(proxy.connect(), PREFACE).startswith(b"HTTP/1.1 2")
    assert exchanged(proxy.plain(), PREFACE).startswith((b"HTTP/1.1 400", b"HTTP/1.1 501", b"HTTP/1.1 505"))
    assert upstream.connections == before


@pytest.mark.parametrize(
    "fields",
    [
        b"Connection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\n" + SETTINGS,
        b"Connection: upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: aGVsbG8=\r\n",
        b"Upgrade: h2c\r\n" + SETTINGS,
        b"Connection: Upgrade\r\nConnection: HTTP2-Settings\r\nUpgrade: h2c\r\nUpgrade: TLS/1.0\r\n" + SETTINGS,
    ],
)
def test_an_upgrade_is_not_asked_for_upstream(proxy: Plane, upstream: Upstream, fields: bytes) -> None:
    assert proxy.tunnel().get(extra=fields).status == 200
    assert b"upgrade" not in upstream.seen[0].lower()


@pytest.mark.parametrize("pieces", [1, 7, len(SWITCH)])
def test_an_upstream_that_switches_all_the_same_is_cut_off(proxy: Plane, upstream: Upstream, pieces: int) -> None:
    """However many pieces its 101 comes in; what it says in the other protocol reaches nobody."""
    ended: list[bytes] = []

    async def script(talk: Talk) -> None:
        await talk.head()
        step = -(-len(SWITCH) // pieces)
        for at in range(0, len(SWITCH), step):
            await talk.say(SWITCH[at : at + step])
        await talk.say(b"secret in another protocol")
        ended.append(await talk.gone())

    upstream.script = script
    wire = proxy.tunnel()
    reply = wire.get(extra=b"Connection: Upgrade\r\nUpgrade: h2c\r\n")
    assert (reply.status, reply.json["code"]) == (502, "upstream_invalid")
    assert b"secret" not in reply.body


@pytest.mark.parametrize("status", [100, 102, 103, 199])
def test_interim_answers_are_not_the_answer(proxy: Plane, upstream: Upstream, status: int) -> None:
    async def script(talk: Talk) -> None:
        await talk.head()
        await talk.say(b"HTTP/1.1 %d Wait\r\nLink: </a>\r\nContent-Length: 5\r\n\r\n" % status * 3)
        await talk.say(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok")

    upstream.script = script
    assert proxy.tunnel().get().body == b"ok"


def test_many_interim_answers_are_too_many(proxy: Plane, upstream: Upstream) -> None:
    async def script(talk: Talk) -> None:
        await talk.head()
        await talk.say(b"HTTP/1.1 103 Early Hints\r\n\r\n" * 100)
        await talk.gone()

    upstream.script = script
    assert proxy.tunnel().get().json["code"] == "upstream_invalid"


def test_a_method_that_repeats_the_request_is_not_carried(proxy: Plane, upstream: Upstream) -> None:
    """The answer to TRACE would show the agent the key that was put in (RFC 9110 section 9.3.8)."""
    wire = proxy.tunnel()
    wire.send(f"TRACE / HTTP/1.1\r\nHost: {HOST}\r\n\r\n".encode())
    assert wire.reply().status == 501
    assert upstream.seen == []
    serves(proxy, upstream)
