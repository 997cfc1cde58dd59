"""Bodies that are longer or shorter than was said, from either side."""

from __future__ import annotations

import pytest
from tests.resistance.raw import exchanged, paths, serves
from tests.support import upstream as scripted
from tests.support.clients import reason_of, request
from tests.support.plane import HOST, Plane
from tests.support.upstream import Talk, Upstream, answer

CHUNKED = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"


def saying(upstream: Upstream, said: bytes) -> None:
    """One answer for each connection, and its end."""

    async def script(talk: Talk) -> None:
        await talk.head()
        await talk.say(said)

    upstream.script = script


@pytest.mark.parametrize(
    ("case", "said"),
    [
        ("length", b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhello\n"),
        ("empty", b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\n"),
        ("no-last-chunk", CHUNKED + b"6\r\nhello\n\r\n"),
        ("half-a-chunk", CHUNKED + b"ff\r\nhello\n"),
        ("half-a-size", CHUNKED + b"6\r\nhello\n\r\n1"),
        ("half-an-end", CHUNKED + b"6\r\nhello\n\r\n0\r\n"),
        ("half-a-trailer", CHUNKED + b"6\r\nhello\n\r\n0\r\nA: b"),
    ],
)
def test_an_answer_that_is_too_short_is_seen_to_be(proxy: Plane, upstream: Upstream, case: str, said: bytes) -> None:
    saying(upstream, said)
    path = f"/short/{case}"
    got = exchanged(proxy.tunnel(), request(path=path))
    head, _, body = got.partition(b"\r\n\r\n")
    assert b"hello" in body or case == "empty"
    if b"Content-Length: 10" in head:
        assert len(body) < 10
    else:
        assert b"chunked" in head
        assert not body.endswith(b"0\r\n\r\n")
    assert reason_of(proxy, path) == "upstream_invalid"


@pytest.mark.parametrize("more", [b"X", b"\r\n", b"hello again" * 9, b"HTTP/1.1 200 OK\r\n\r\n", answer(b"second")])
@pytest.mark.parametrize("method", ["GET", "HEAD"])
def test_what_is_behind_an_answer_goes_nowhere(proxy: Plane, upstream: Upstream, method: str, more: bytes) -> None:
    async def script(talk: Talk) -> None:
        while True:
            head = await talk.head()
            await talk.say(answer() + more if head.startswith(b"GET") else answer()[: -len(b"hello")] + more)

    upstream.script = script
    wire, before = proxy.tunnel(), upstream.connections
    replies = [wire.get(f"/{number}", method=method) for number in range(3)]
    assert [reply.status for reply in replies] == [200] * 3
    assert [reply.body for reply in replies] == ([b"hello"] * 3 if method == "GET" else [b""] * 3)
    assert wire.take_all() == b""
    assert upstream.connections == before + 3, "such a connection is not used again"


@pytest.mark.parametrize("status", ["204 No Content", "304 Not Modified"])
def test_a_body_where_none_can_be(proxy: Plane, upstream: Upstream, status: str) -> None:
    saying(upstream, answer(b"smuggled", status))
    wire = proxy.tunnel()
    reply = wire.get()
    assert (reply.status, reply.body) == (int(status[:3]), b"")
    upstream.script = scripted.polite
    serves(proxy, upstream)
    assert wire.get().body == b"hello"


def test_a_request_whose_body_is_longer_than_it_says(proxy: Plane, upstream: Upstream) -> None:
    """The rest is the next request, or none: it never becomes part of the first."""

    async def script(talk: Talk) -> None:
        while True:
            head = await talk.head()
            await talk.body(3 if head.startswith(b"POST") else 0)
            await talk.say(answer())

    upstream.script = script
    more = request(path="/second")
    wire = proxy.tunnel()
    wire.send(request("POST", "/first", b"Content-Length: 3\r\n") + b"xyz" + more + b"junk\r\n\r\n")
    assert [wire.reply().status for _ in range(3)] == [200, 200, 400]
    assert wire.rest() == b""
    assert paths(upstream) == ["/first", "/second"]
    assert b"xyz" not in upstream.seen[1]


def test_a_request_whose_body_is_shorter_than_it_says(proxy: Plane, upstream: Upstream) -> None:
    """What comes next is taken for the body, as was said; the upstream sees one request."""
    bodies = []

    async def script(talk: Talk) -> None:
        await talk.head()
        bodies.append(await talk.body(40))
        await talk.say(answer())

    upstream.script = script
    wire = proxy.tunnel()
    wire.send(request("POST", "/only", b"Content-Length: 40\r\n") + b"abc")
    wire.send(f"GET /inside HTTP/1.1\r\nHost: {HOST}\r\n\r\n".encode())
    assert wire.reply().status == 200
    assert paths(upstream) == ["/only"]
    assert bodies[0].startswith(b"abcGET /inside")
