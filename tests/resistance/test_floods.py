"""Many requests at once in one stream: each is answered once, in order, and is once on record."""

from __future__ import annotations

import threading

from tests.resistance.raw import allowed_paths, paths
from tests.support.clients import peak_memory, request, send_until_stalled
from tests.support.plane import HOST, Plane
from tests.support.upstream import Talk, Upstream, answer
from tests.support.waiting import wait_for

MANY = 1500
MEBIBYTE = 1 << 20


def test_a_thousand_pipelined_requests(proxy: Plane, upstream: Upstream) -> None:
    wire = proxy.tunnel()
    flood = b"".join(request(path=f"/flood/{number}") for number in range(MANY))
    threading.Thread(target=wire.send, args=(flood,)).start()
    assert [wire.reply().status for _ in range(MANY)] == [200] * MANY
    wanted = [f"/flood/{number}" for number in range(MANY)]
    assert paths(upstream) == wanted
    wait_for(lambda: allowed_paths(proxy, "/flood/") == wanted, "each is on record once")


def test_refused_ones_are_answered_too(proxy: Plane, upstream: Upstream) -> None:
    wire = proxy.tunnel()
    pair = request(path="/refused//") + request(path="/passed")
    threading.Thread(target=wire.send, args=(pair * 300,)).start()
    assert [wire.reply().status for _ in range(600)] == [400, 200] * 300
    assert len(upstream.seen) == 300


def test_an_agent_that_asks_and_never_reads(proxy: Plane, upstream: Upstream) -> None:
    """What waits for it is bounded, and so is what waits to be asked."""

    async def script(talk: Talk) -> None:
        while True:
            await talk.head()
            await talk.say(answer(bytes(64 * 1024)))

    upstream.script = script
    before = peak_memory(proxy)
    wire = proxy.tunnel()
    padding = b"X-Padding: " + b"x" * 8000 + b"\r\n"
    sent, refused = send_until_stalled(wire, (request(path=f"/unread/{at}", extra=padding) for at in range(20_000)))
    assert refused, f"{sent} bytes were taken and nobody held them back"
    assert peak_memory(proxy) - before < 24 * MEBIBYTE


def test_who_proves_nothing_and_never_reads(proxy: Plane) -> None:
    """Refusals of the proxy itself pile up no more than answers do."""
    before = peak_memory(proxy)
    wire = proxy.plain()
    asking = request(path=f"http://{HOST}/") * 100
    _, refused = send_until_stalled(wire, (asking for _ in range(10_000)))
    assert refused
    assert peak_memory(proxy) - before < 24 * MEBIBYTE


def test_heads_and_bodies_in_single_bytes(proxy: Plane, upstream: Upstream) -> None:
    """As a network may cut them."""
    bodies = []

    async def script(talk: Talk) -> None:
        await talk.head()
        bodies.append(await talk.chunked())
        await talk.say(answer())

    upstream.script = script
    wire = proxy.tunnel()
    body = (
        b"POST /single HTTP/1.1\r\nHost: %b\r\nContent-Type: text/x\r\nTransfer-Encoding: chunked\r\n\r\n"
        % HOST.encode()
    )
    for octet in body + b"2\r\nab\r\n1;x=y\r\nc\r\n0\r\nA: b\r\n\r\n":
        wire.send(bytes([octet]))
    assert wire.reply().status == 200
    assert (paths(upstream), bodies) == (["/single"], [b"abc"])
