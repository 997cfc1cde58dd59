"""Bodies stream both ways: framed anew, unbuffered, and no faster than the slower side takes them."""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import Callable

import pytest
from tests.support.clients import PIECE, Gate, peak_memory, post, post_chunked, reason_of, request, send_until_stalled
from tests.support.plane import Plane
from tests.support.upstream import Talk, Upstream, answer

PIECES = 480
SIZE = PIECES * len(PIECE)
ROOM = 16 << 20
CHUNK = b"%x\r\n%b\r\n" % (len(PIECE), PIECE)


@pytest.mark.parametrize("chunked", [False, True])
def test_thirty_megabytes_up_in_flat_memory(proxy: Plane, upstream: Upstream, chunked: bool) -> None:
    received = 0

    async def script(talk: Talk) -> None:
        nonlocal received
        head = await talk.head()
        assert (b"Transfer-Encoding: chunked" in head) is chunked
        assert (b"Content-Length" in head) is not chunked
        received = len(await talk.chunked()) if chunked else len(await talk.body(SIZE))
        await talk.say(answer())

    upstream.script = script
    wire = proxy.tunnel()
    before = peak_memory(proxy)
    reply = post_chunked(wire, [PIECE] * PIECES) if chunked else post(wire, PIECE * PIECES)
    assert (reply.status, received) == (200, SIZE)
    assert peak_memory(proxy) - before < ROOM
    _, outcome = proxy.recorded(reply.headers["x-tameflare-request-id"])
    assert outcome is not None
    assert outcome.bytes_in >= SIZE


@pytest.mark.parametrize("chunked", [False, True])
def test_thirty_megabytes_down_in_flat_memory(proxy: Plane, upstream: Upstream, chunked: bool) -> None:
    async def script(talk: Talk) -> None:
        await talk.head()
        framing = b"Transfer-Encoding: chunked" if chunked else b"Content-Length: %d" % SIZE
        await talk.say(b"HTTP/1.1 200 OK\r\n" + framing + b"\r\n\r\n")
        for _ in range(PIECES):
            await talk.say(CHUNK if chunked else PIECE)
        await talk.say(b"0\r\n\r\n" if chunked else b"")

    upstream.script = script
    wire = proxy.tunnel()
    before = peak_memory(proxy)
    reply = wire.get()
    assert len(reply.body) == SIZE
    assert ("transfer-encoding" in reply.headers) is chunked
    assert peak_memory(proxy) - before < ROOM


def test_a_slow_reader_pauses_the_upstream(proxy: Plane, upstream: Upstream) -> None:
    stalled = Gate()
    sent = 0

    async def script(talk: Talk) -> None:
        nonlocal sent
        await talk.head()
        await talk.say(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % SIZE)
        for _ in range(PIECES):
            talk.writer.write(PIECE)
            drained = asyncio.ensure_future(talk.writer.drain())
            done, _ = await asyncio.wait([drained], timeout=0.3)
            if not done:
                stalled.open()
            await drained
            sent += len(PIECE)

    upstream.script = script
    wire = proxy.tunnel()
    wire.send(request())
    stalled.passed()
    assert sent < SIZE
    assert len(wire.reply().body) == SIZE


def test_a_slow_upstream_pauses_the_client(proxy: Plane, upstream: Upstream) -> None:
    ready = Gate()

    async def script(talk: Talk) -> None:
        await talk.head()
        talk.writer.transport.pause_reading()  # type: ignore[attr-defined]
        await ready.wait(talk)
        talk.writer.transport.resume_reading()  # type: ignore[attr-defined]
        await talk.say(answer(b"%d" % len(await talk.body(SIZE))))

    upstream.script = script
    wire = proxy.tunnel()
    before = peak_memory(proxy)
    wire.send(request("POST", extra=b"Content-Length: %d\r\n" % SIZE))
    sent, left = send_until_stalled(wire, itertools.repeat(PIECE, PIECES))
    assert sent < SIZE
    assert peak_memory(proxy) - before < ROOM
    ready.open()
    wire.send(left + bytes(SIZE - sent - len(left)))
    assert wire.reply().body == b"%d" % SIZE


def test_events_arrive_one_by_one(proxy: Plane, upstream: Upstream) -> None:
    """The second event is only said after the agent has read the first: nothing may wait for more."""
    gates = [Gate() for _ in range(5)]

    async def script(talk: Talk) -> None:
        await talk.head()
        await talk.say(b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n")
        for gate in gates:
            await talk.say(b"9\r\ndata: 1\n\n\r\n")
            await gate.wait(talk)
        await talk.say(b"0\r\n\r\n")

    upstream.script = script
    wire = proxy.tunnel()
    wire.send(request())
    assert wire.head().headers["content-type"] == "text/event-stream"
    for gate in gates:
        assert wire.until(b"\n\n\r\n") == b"9\r\ndata: 1\n\n\r\n"
        gate.open()
    assert wire.take(5) == b"0\r\n\r\n"


def test_events_without_framing_arrive_one_by_one(proxy: Plane, upstream: Upstream) -> None:
    gate = Gate()

    async def script(talk: Talk) -> None:
        await talk.head()
        await talk.say(b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n\r\ndata: 1\n\n")
        await gate.wait(talk)
        await talk.say(b"data: 2\n\n")

    upstream.script = script
    wire = proxy.tunnel()
    wire.send(request())
    assert wire.head().headers["transfer-encoding"] == "chunked"
    assert wire.until(b"\n\n\r\n") == b"9\r\ndata: 1\n\n\r\n"
    gate.open()
    assert wire.until(b"0\r\n\r\n") == b"9\r\ndata: 2\n\n\r\n0\r\n\r\n"


@pytest.mark.parametrize(
    ("method", "said", "shown"),
    [
        ("HEAD", b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n", {"content-length": "5"}),
        ("HEAD", b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n", {}),
        ("GET", b"HTTP/1.1 204 No Content\r\n\r\n", {}),
        ("DELETE", b"HTTP/1.1 204 No Content\r\nX-A: 1\r\n\r\n", {"x-a": "1"}),
        ("GET", b'HTTP/1.1 304 Not Modified\r\nETag: "a"\r\nContent-Length: 5\r\n\r\n', {"content-length": "5"}),
        ("GET", b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n", {"content-length": "0"}),
        ("GET", b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 204 No Content\r\n\r\n", {}),
    ],
)
def test_answers_without_a_body_keep_both_connections(
    proxy: Plane, upstream: Upstream, method: str, said: bytes, shown: dict[str, str]
) -> None:
    async def script(talk: Talk) -> None:
        while True:
            await talk.head()
            await talk.say(said)

    upstream.script = script
    wire = proxy.tunnel()
    before = upstream.connections
    for _ in range(2):
        reply = wire.get("/", method=method)
        assert reply.status == int(said.split(b"HTTP/1.1 ")[-1][:3])
        assert shown.items() <= reply.headers.items()
        assert "connection" not in reply.headers
        assert "transfer-encoding" not in reply.headers
    assert upstream.connections == before + 1


def test_an_answer_until_close_is_chunked_for_the_agent(proxy: Plane, upstream: Upstream) -> None:
    async def script(talk: Talk) -> None:
        await talk.head()
        await talk.say(b"HTTP/1.1 200 OK\r\n\r\nhello")

    upstream.script = script
    wire = proxy.tunnel()
    for _ in range(2):
        reply = wire.get()
        assert (reply.headers["transfer-encoding"], reply.body) == ("chunked", b"hello")


@pytest.mark.parametrize(
    "said",
    [
        b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhello",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\na\r\nhello",
    ],
)
def test_a_short_answer_is_a_cut_that_the_agent_sees(proxy: Plane, upstream: Upstream, said: bytes) -> None:
    async def script(talk: Talk) -> None:
        await talk.head()
        await talk.say(said)

    upstream.script = script
    wire = proxy.tunnel()
    wire.send(request())
    reply = wire.head()
    rest = wire.rest()
    if "content-length" in reply.headers:
        assert len(rest) < int(reply.headers["content-length"])
    assert not rest.endswith(b"0\r\n\r\n")
    _, outcome = proxy.recorded(reply.headers["x-tameflare-request-id"])
    assert outcome is not None
    assert (outcome.status, outcome.reason) == (200, "upstream_invalid")


@pytest.mark.parametrize("end", [Talk.reset, Talk.cut])
def test_an_answer_until_close_that_is_cut_off_has_no_last_chunk(
    proxy: Plane, upstream: Upstream, end: Callable[[Talk], None]
) -> None:
    read = Gate()

    async def script(talk: Talk) -> None:
        await talk.head()
        await talk.say(b"HTTP/1.1 200 OK\r\n\r\nhello\n")
        await read.wait(talk)
        end(talk)
        await talk.gone()

    upstream.script = script
    wire = proxy.tunnel()
    wire.send(request())
    wire.until(b"hello\n\r\n")
    read.open()
    assert wire.rest() == b""


def test_a_client_of_http_1_0_gets_plain_bytes_and_the_end(proxy: Plane, upstream: Upstream) -> None:
    async def script(talk: Talk) -> None:
        assert b" HTTP/1.1\r\n" in await talk.head()
        await talk.say(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n")

    upstream.script = script
    wire = proxy.tunnel()
    wire.send(request(version="1.0"))
    reply = wire.reply()
    assert "transfer-encoding" not in reply.headers
    assert (reply.headers["connection"], reply.body) == ("close", b"hello")


def test_a_client_of_http_1_0_may_keep_its_connection(proxy: Plane, upstream: Upstream) -> None:
    wire = proxy.tunnel()
    for _ in range(2):
        wire.send(request(version="1.0", extra=b"Connection: keep-alive\r\n"))
        reply = wire.reply()
        assert (reply.headers["connection"], reply.body) == ("keep-alive", b"hello")


def test_chunk_extensions_and_trailers_are_dropped(proxy: Plane, upstream: Upstream) -> None:
    got = b""

    async def script(talk: Talk) -> None:
        nonlocal got
        await talk.head()
        got = await talk.reader.readuntil(b"0\r\n\r\n")
        await talk.say(
            b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nTrailer: T\r\n\r\n5;e=1\r\nhello\r\n0\r\nT: 1\r\n\r\n"
        )

    upstream.script = script
    wire = proxy.tunnel()
    wire.send(request("POST", extra=b"Transfer-Encoding: chunked\r\n") + b"3;x=y\r\nabc\r\n0\r\nX-Late: 1\r\n\r\n")
    reply = wire.reply()
    assert (reply.body, got) == (b"hello", b"3\r\nabc\r\n0\r\n\r\n")
    assert "trailer" not in reply.headers


def test_an_early_answer_to_an_upload_reaches_the_agent(proxy: Plane, upstream: Upstream) -> None:
    async def script(talk: Talk) -> None:
        await talk.head()
        await talk.say(answer(b"no", "413 Content Too Large"))
        await talk.gone()

    upstream.script = script
    reply = post(proxy.tunnel(), PIECE * PIECES)
    assert (reply.status, reply.body) == (413, b"no")
    assert reply.headers["connection"] == "close"


def test_a_broken_chunk_from_the_agent_never_ends_the_body(proxy: Plane, upstream: Upstream) -> None:
    seen = Gate()
    got = b""

    begun = Gate()

    async def script(talk: Talk) -> None:
        nonlocal got
        await talk.head()
        begun.open()
        got = await talk.gone()
        seen.open()

    upstream.script = script
    wire = proxy.tunnel()
    wire.send(request("POST", "/broken-chunk", b"Transfer-Encoding: chunked\r\n") + b"3\r\nabc\r\n")
    begun.passed()
    wire.send(b"nonsense\r\n")
    wire.rest()
    seen.passed()
    assert got in (b"", b"3\r\nabc\r\n")
    assert reason_of(proxy, "/broken-chunk") == "bad_request"
