"""Upstreams that fail: what the agent sees, what is on record, and what is never sent twice."""

from __future__ import annotations

import pytest
from tests.support.clients import Gate, post, reason_of, recorded_path, request
from tests.support.plane import Plane
from tests.support.upstream import Talk, Upstream, answer
from tests.support.waiting import wait_for

ENVIRONMENT = {"TF_IDLE_TIMEOUT": "1"}


async def once(talk: Talk) -> None:
    """Answers one request and resets the connection at the next."""
    head = await talk.head()
    await talk.say(answer(b"" if head.startswith(b"HEAD") else b"first"))
    await talk.head()
    talk.reset()


@pytest.mark.parametrize("method", ["GET", "HEAD", "OPTIONS"])
def test_a_read_on_a_used_connection_is_tried_once_more(proxy: Plane, upstream: Upstream, method: str) -> None:
    upstream.script = once
    wire = proxy.tunnel()
    before = upstream.connections
    assert wire.get("/1", method=method).status == 200
    assert wire.get("/2", method=method).status == 200
    assert upstream.connections == before + 2
    assert [head.split(b" ")[1] for head in upstream.seen] == [b"/1", b"/2", b"/2"]


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE", "PATCH"])
def test_what_may_change_something_is_never_sent_twice(proxy: Plane, upstream: Upstream, method: str) -> None:
    upstream.script = once
    wire = proxy.tunnel()
    assert wire.get("/1").status == 200
    reply = wire.get("/2", method=method)
    assert (reply.status, reply.json["code"]) == (502, "upstream_closed")
    assert len(upstream.seen) == 2


def test_a_read_with_a_body_is_never_sent_twice(proxy: Plane, upstream: Upstream) -> None:
    upstream.script = once
    wire = proxy.tunnel()
    assert wire.get("/1").status == 200
    assert post(wire, b"abc", method="GET").status == 502
    assert len(upstream.seen) == 2


def test_a_read_on_a_fresh_connection_is_not_tried_again(proxy: Plane, upstream: Upstream) -> None:
    async def script(talk: Talk) -> None:
        await talk.head()
        talk.reset()

    upstream.script = script
    reply = proxy.tunnel().get("/fresh")
    assert (reply.status, reply.json["code"]) == (502, "upstream_closed")
    assert len(upstream.seen) == 1
    assert reason_of(proxy, "/fresh") == "upstream_closed"


@pytest.mark.parametrize("said", [b"H", b"HTTP/1.1 100 Continue\r\n\r\n", b"HTTP/1.1 200 OK\r\nContent-"])
def test_nothing_is_tried_again_once_a_byte_came(proxy: Plane, upstream: Upstream, said: bytes) -> None:
    async def script(talk: Talk) -> None:
        await talk.head()
        await talk.say(answer())
        await talk.head()
        await talk.say(said)

    upstream.script = script
    wire = proxy.tunnel()
    assert wire.get("/1").status == 200
    assert wire.get("/2").json["code"] == "upstream_closed"
    assert len(upstream.seen) == 2


@pytest.mark.parametrize(
    "said",
    [
        b"SSH-2.0-OpenSSH_9.2\r\n\r\n",
        b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nX-Folded: a\r\n b\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nnonsense\r\n",
        b"HTTP/1.1 200 OK\r\nX-Large: " + b"x" * 70 * 1024 + b"\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nX-Endless: " + b"x" * 200 * 1024,
    ],
)
def test_what_is_no_answer_is_a_502(proxy: Plane, upstream: Upstream, said: bytes) -> None:
    async def script(talk: Talk) -> None:
        await talk.head()
        await talk.say(said)
        await talk.gone()

    upstream.script = script
    wire = proxy.tunnel()
    reply = wire.get()
    assert (reply.status, reply.json["code"]) == (502, "upstream_invalid")
    upstream.script = once
    assert wire.get().body == b"first", "the agent's connection lives on"


def test_bytes_behind_the_end_are_never_forwarded(proxy: Plane, upstream: Upstream) -> None:
    async def script(talk: Talk) -> None:
        while True:
            await talk.head()
            await talk.say(answer(b"right") + answer(b"smuggled"))

    upstream.script = script
    wire = proxy.tunnel()
    before = upstream.connections
    assert [wire.get().body for _ in range(3)] == [b"right"] * 3
    assert upstream.connections == before + 3


def test_bytes_that_come_late_are_never_forwarded(proxy: Plane, upstream: Upstream) -> None:
    answered, sent, gone = Gate(), Gate(), Gate()

    async def script(talk: Talk) -> None:
        await talk.head()
        await talk.say(answer(b"right"))
        await answered.wait(talk)
        await talk.say(answer(b"smuggled"))
        sent.open()
        await talk.gone()
        gone.open()

    upstream.script = script
    wire = proxy.tunnel()
    assert wire.get().body == b"right"
    answered.open()
    sent.passed()
    gone.passed()
    upstream.script = once
    assert wire.get().body == b"first"


def test_silence_before_the_head_is_a_504(proxy: Plane, upstream: Upstream) -> None:
    gone = Gate()

    async def script(talk: Talk) -> None:
        await talk.head()
        await talk.gone()
        gone.open()

    upstream.script = script
    wire = proxy.tunnel()
    reply = wire.get("/silence")
    assert (reply.status, reply.json["code"]) == (504, "upstream_timeout")
    gone.passed()
    upstream.script = once
    assert wire.get().status == 200
    assert reason_of(proxy, "/silence") == "upstream_timeout"


def test_silence_in_the_middle_is_a_cut(proxy: Plane, upstream: Upstream) -> None:
    async def script(talk: Talk) -> None:
        await talk.head()
        await talk.say(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n6\r\nhello\n\r\n")
        await talk.gone()

    upstream.script = script
    wire = proxy.tunnel()
    wire.send(request(path="/stuck"))
    assert wire.head().status == 200
    assert wire.rest() == b"6\r\nhello\n\r\n"
    assert reason_of(proxy, "/stuck") == "upstream_timeout"


@pytest.mark.parametrize("answered", [False, True])
def test_a_client_that_vanishes_takes_the_upstream_with_it(proxy: Plane, upstream: Upstream, answered: bool) -> None:
    begun, gone = Gate(), Gate()

    async def script(talk: Talk) -> None:
        await talk.head()
        if answered:
            await talk.say(b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhello")
        begun.open()
        await talk.gone()
        gone.open()

    upstream.script = script
    path = f"/vanish-{answered}"
    wire = proxy.tunnel()
    wire.send(request(path=path))
    begun.passed()
    wire.close()
    gone.passed()
    _, outcome = recorded_path(proxy, path)
    assert outcome is not None
    assert outcome.reason == "client_closed"


def test_a_client_that_vanishes_in_its_upload_never_completes_it(proxy: Plane, upstream: Upstream) -> None:
    begun, gone = Gate(), Gate()
    got = b""

    async def script(talk: Talk) -> None:
        nonlocal got
        await talk.head()
        begun.open()
        got = await talk.gone()
        gone.open()

    upstream.script = script
    wire = proxy.tunnel()
    wire.send(request("POST", "/half-sent", b"Transfer-Encoding: chunked\r\n") + b"3\r\nabc\r\n")
    begun.passed()
    wire.close()
    gone.passed()
    assert b"0\r\n\r\n" not in got
    assert reason_of(proxy, "/half-sent") == "client_closed"


def test_an_upload_to_an_upstream_that_closes_gets_its_502(proxy: Plane, upstream: Upstream) -> None:
    async def script(talk: Talk) -> None:
        await talk.head()

    upstream.script = script
    wire = proxy.tunnel()
    assert post(wire, bytes(8 << 20)).json["code"] == "upstream_closed"
    upstream.script = once
    assert wire.get().status == 200


def test_faults_are_counted(proxy: Plane, upstream: Upstream) -> None:
    async def script(talk: Talk) -> None:
        await talk.head()

    upstream.script = script
    assert proxy.tunnel().get().status == 502

    def counted() -> bool:
        wire = proxy.plain()
        page = wire.get("/metrics", host=f"127.0.0.1:{proxy.port}").body
        return b'tameflare_connector_errors_total{connector="service"}' in page

    wait_for(counted, "the fault is counted")
