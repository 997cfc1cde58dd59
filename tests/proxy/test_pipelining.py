"""Requests that arrive before the one before them is answered."""

from __future__ import annotations

import itertools

from tests.support.clients import Gate, peak_memory, request, send_until_stalled
from tests.support.plane import CANARY, Plane, rules
from tests.support.upstream import Talk, Upstream, answer

from tameflare.core.decision import Verdict

LARGE = request(extra=b"X-Filling: " + b"x" * 60_000 + b"\r\n")


async def naming(talk: Talk) -> None:
    """Answers with the path that was asked for."""
    while True:
        head = await talk.head()
        await talk.say(answer(head.split(b" ")[1]))


def test_answers_come_in_the_order_of_the_requests(proxy: Plane, upstream: Upstream) -> None:
    upstream.script = naming
    wire = proxy.tunnel()
    wire.send(b"".join(request(path=f"/{at}") for at in range(50)))
    assert [wire.reply().body for _ in range(50)] == [b"/%d" % at for at in range(50)]


def test_the_second_waits_until_the_first_is_answered(proxy: Plane, upstream: Upstream) -> None:
    first, answered = Gate(), Gate()

    async def script(talk: Talk) -> None:
        await talk.head()
        first.open()
        await answered.wait(talk)
        await talk.say(answer(b"one"))
        await naming(talk)

    upstream.script = script
    wire = proxy.tunnel()
    before = upstream.connections
    wire.send(request() + request(path="/two"))
    first.passed()
    assert len(upstream.seen) == 1
    answered.open()
    assert [wire.reply().body for _ in range(2)] == [b"one", b"/two"]
    assert upstream.connections == before + 1


def test_a_refused_one_in_the_middle_keeps_its_place(proxy: Plane, upstream: Upstream) -> None:
    upstream.script = naming
    proxy.publish(proxy.gateway(rules=rules(("service", "http.get", Verdict.ALLOW))), {"service": CANARY})
    wire = proxy.tunnel()
    body = b"Content-Length: 3\r\n"
    wire.send(request(path="/1") + request("POST", "/2", body) + b"abc" + request("DELETE", "/3") + request(path="/4"))
    assert [wire.reply().status for _ in range(4)] == [200, 403, 403, 200]
    assert [head.split(b" ")[1] for head in upstream.seen] == [b"/1", b"/4"]


def test_a_request_behind_a_body_is_served(proxy: Plane, upstream: Upstream) -> None:
    async def script(talk: Talk) -> None:
        await talk.head()
        await talk.say(answer(await talk.body(3)))
        await talk.head()
        await talk.say(answer(await talk.chunked()))
        await naming(talk)

    upstream.script = script
    wire = proxy.tunnel()
    wire.send(
        request("POST", extra=b"Content-Length: 3\r\n")
        + b"abc"
        + request("POST", extra=b"Transfer-Encoding: chunked\r\n")
        + b"2\r\nde\r\n0\r\n\r\n"
        + request(path="/last")
    )
    assert [wire.reply().body for _ in range(3)] == [b"abc", b"de", b"/last"]


def test_what_is_no_http_behind_a_request_ends_the_connection(proxy: Plane, upstream: Upstream) -> None:
    wire = proxy.tunnel()
    wire.send(request() + b"nonsense\r\n\r\n")
    assert wire.reply().status == 200
    reply = wire.reply()
    assert (reply.status, reply.headers["connection"]) == (400, "close")
    assert wire.rest() == b""
    assert len(upstream.seen) == 1


def test_nothing_is_served_behind_the_last_request(proxy: Plane, upstream: Upstream) -> None:
    wire = proxy.tunnel()
    wire.send(request(extra=b"Connection: close\r\n") + request(path="/late"))
    assert wire.reply().headers["connection"] == "close"
    assert wire.rest() == b""
    assert len(upstream.seen) == 1


def test_pipelined_bytes_are_bounded(proxy: Plane, upstream: Upstream) -> None:
    ready = Gate()

    async def script(talk: Talk) -> None:
        await talk.head()
        await ready.wait(talk)
        await talk.say(answer())
        while True:
            await talk.head()
            await talk.say(answer())

    upstream.script = script
    wire = proxy.tunnel()
    before = peak_memory(proxy)
    sent, left = send_until_stalled(wire, itertools.repeat(LARGE, 500))
    assert sent < 500 * len(LARGE)
    assert peak_memory(proxy) - before < 4 << 20
    ready.open()
    whole = (sent + len(left)) // len(LARGE)
    wire.send(left)
    assert [wire.reply().status for _ in range(whole)] == [200] * whole
