"""Bodies that drip so that no silence is ever long: the time for everything ends them, whichever side drips."""

from __future__ import annotations

import contextlib
import ssl

from tests.resistance.raw import serves
from tests.support import upstream as scripted
from tests.support.clients import is_closed, reason_of, request, send_until_stalled
from tests.support.plane import Plane, Wire
from tests.support.upstream import Talk, Upstream
from tests.support.waiting import wait_for

ENVIRONMENT = {"TF_TOTAL_TIMEOUT": "2", "TF_IDLE_TIMEOUT": "60", "TF_HEAD_TIMEOUT": "2", "TF_CLIENT_IDLE_TIMEOUT": "2"}
FORM = b"Content-Type: application/x-www-form-urlencoded\r\n"


def drip(wire: Wire, what: bytes) -> None:
    """A little now and then, until the proxy has closed."""

    def closed() -> bool:
        with contextlib.suppress(ConnectionError, ssl.SSLError):
            wire.send(what)
            return is_closed(wire)
        return True

    wait_for(closed, "the proxy closes")


def test_an_upload_that_drips(proxy: Plane, upstream: Upstream) -> None:
    async def script(talk: Talk) -> None:
        await talk.head()
        await talk.gone()

    upstream.script = script
    wire = proxy.tunnel()
    wire.send(request("POST", "/drip/length", b"Content-Length: 100000\r\n"))
    drip(wire, b"x")
    assert reason_of(proxy, "/drip/length") == "upstream_timeout"


def test_chunks_that_drip(proxy: Plane, upstream: Upstream) -> None:
    async def script(talk: Talk) -> None:
        await talk.head()
        await talk.gone()

    upstream.script = script
    wire = proxy.tunnel()
    wire.send(request("POST", "/drip/chunks", b"Transfer-Encoding: chunked\r\n"))
    drip(wire, b"1\r\nx\r\n")
    assert reason_of(proxy, "/drip/chunks") == "upstream_timeout"


def test_a_judged_body_that_drips(proxy: Plane, upstream: Upstream) -> None:
    before = upstream.connections
    wire = proxy.tunnel()
    wire.send(request("POST", "/drip/judged", FORM + b"Content-Length: 100000\r\n"))
    drip(wire, b"x")
    assert upstream.connections == before


def test_the_body_of_a_refused_request_that_drips(proxy: Plane, upstream: Upstream) -> None:
    """It is read only so that its agent gets to see the refusal, and not for long."""
    wire = proxy.tunnel()
    wire.send(request("POST", "/a//b", b"Content-Length: 100000\r\n"))
    assert wire.reply().status == 400
    drip(wire, b"x")
    assert upstream.seen == []


def test_an_answer_that_drips(proxy: Plane, upstream: Upstream) -> None:
    async def script(talk: Talk) -> None:
        await talk.head()
        await talk.say(b"HTTP/1.1 200 OK\r\nContent-Length: 100000\r\n\r\n")
        while not talk.writer.is_closing():
            await talk.say(b"x")
            await talk.pause()

    upstream.script = script
    wire = proxy.tunnel()
    wire.send(request(path="/drip/answer"))
    assert len(wire.rest()) < 100_000
    assert reason_of(proxy, "/drip/answer") == "upstream_timeout"


def test_a_head_of_an_answer_that_drips(proxy: Plane, upstream: Upstream) -> None:
    async def script(talk: Talk) -> None:
        await talk.head()
        await talk.say(b"HTTP/1.1 200 OK\r\nX-Slow: ")
        while not talk.writer.is_closing():
            await talk.say(b"x")
            await talk.pause()

    upstream.script = script
    reply = proxy.tunnel().get("/drip/head")
    assert (reply.status, reply.json["code"]) == (504, "upstream_timeout")
    upstream.script = scripted.polite
    serves(proxy, upstream)


def test_an_agent_that_does_not_read_its_answer(proxy: Plane, upstream: Upstream) -> None:
    """The upstream is paused for it, and let go in time."""
    gone: list[bytes] = []

    async def script(talk: Talk) -> None:
        await talk.head()
        await talk.say(b"HTTP/1.1 200 OK\r\n\r\n")
        with contextlib.suppress(ConnectionError, ssl.SSLError):
            while not talk.writer.is_closing():
                await talk.say(bytes(65536))
        gone.append(b"gone")

    upstream.script = script
    wire = proxy.tunnel()
    wire.send(request(path="/unread-answer"))
    wait_for(lambda: gone, "the upstream is let go")
    assert reason_of(proxy, "/unread-answer") == "upstream_timeout"


def test_an_agent_that_reads_nothing_is_let_go_with_its_answers(proxy: Plane, upstream: Upstream) -> None:
    """What waits for it to be read does not wait for ever."""
    wire = proxy.tunnel()
    _, refused = send_until_stalled(wire, (request(path="/refused//") * 50 for _ in range(10_000)))
    assert refused
    wait_for(lambda: proxy.health()["connections"] <= 1, "its connection is gone")
