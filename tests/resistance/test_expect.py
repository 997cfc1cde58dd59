"""`Expect: 100-continue` (RFC 9110 section 10.1.1) from agents that wait, that do not wait, and that ask for more."""

from __future__ import annotations

import pytest
from tests.resistance.raw import paths, serves
from tests.support import upstream as scripted
from tests.support.clients import recorded_path, request
from tests.support.plane import Plane
from tests.support.upstream import Talk, Upstream, answer

EXPECT = b"Expect: 100-continue\r\nContent-Length: 5\r\n"


async def taking(talk: Talk) -> None:
    while True:
        await talk.head()
        await talk.body(5)
        await talk.say(answer())


def test_an_agent_that_does_not_wait(proxy: Plane, upstream: Upstream) -> None:
    upstream.script = taking
    wire = proxy.tunnel()
    wire.send(request("POST", "/hurry", EXPECT) + b"abcde" + request("POST", "/next", EXPECT) + b"fghij")
    for _ in range(2):
        while (reply := wire.reply()).status == 100:
            assert reply.body == b""
        assert reply.status == 200
    assert paths(upstream) == ["/hurry", "/next"]
    assert b"xpect" not in upstream.seen[0]


def test_an_upstream_that_asks_for_the_body_too(proxy: Plane, upstream: Upstream) -> None:
    """Its 100 is dropped: the agent has had one from the proxy."""

    async def script(talk: Talk) -> None:
        await talk.head()
        await talk.say(b"HTTP/1.1 100 Continue\r\n\r\n")
        await talk.body(5)
        await talk.say(answer())

    upstream.script = script
    wire = proxy.tunnel()
    wire.send(request("POST", "/both", EXPECT))
    assert wire.head().status == 100
    wire.send(b"abcde")
    assert wire.reply().body == b"hello"


def test_an_upstream_that_answers_without_the_body(proxy: Plane, upstream: Upstream) -> None:
    """The agent may still send it or not: nothing after this can be told apart, so its connection ends."""

    async def script(talk: Talk) -> None:
        await talk.head()
        await talk.say(answer(b"no", "417 Expectation Failed"))
        await talk.gone()

    upstream.script = script
    wire = proxy.tunnel()
    wire.send(request("POST", "/unwanted", EXPECT))
    assert wire.head().status == 100
    reply = wire.reply()
    assert (reply.status, reply.body, reply.headers["connection"]) == (417, b"no", "close")
    upstream.script = scripted.polite
    serves(proxy, upstream)


def test_a_refusal_comes_in_place_of_the_leave_to_send(proxy: Plane, upstream: Upstream) -> None:
    wire = proxy.tunnel()
    wire.send(request("POST", "/a//b", EXPECT))
    assert wire.reply().status == 400
    assert wire.rest() == b""
    assert upstream.seen == []


def test_without_a_body_nothing_is_said(proxy: Plane, upstream: Upstream) -> None:
    wire = proxy.tunnel()
    assert wire.get("/nothing-to-send", b"Expect: 100-continue\r\n").status == 200
    assert recorded_path(proxy, "/nothing-to-send")[0].verdict == "allow"


@pytest.mark.parametrize(
    "value", [b"200-ok", b"100-continue, 100-continue", b"100-continue\r\nExpect: 100-continue", b""]
)
def test_another_expectation_is_refused(proxy: Plane, upstream: Upstream, value: bytes) -> None:
    wire = proxy.tunnel()
    wire.send(request("POST", "/more", b"Expect: " + value + b"\r\nContent-Length: 5\r\n"))
    assert wire.reply().status == 400
    assert upstream.seen == []
