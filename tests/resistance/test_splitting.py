"""One head never becomes two, and no field is smuggled into one: neither by an upstream nor by an agent."""

from __future__ import annotations

import pytest
from tests.resistance.raw import paths, serves
from tests.support import upstream as scripted
from tests.support.plane import CANARY, HOST, Plane, connector
from tests.support.upstream import Talk, Upstream

SPLIT = b"Content-Length: 0\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 8\r\n\r\nsmuggled"
VALUES = [b"a\rb", b"a\nb", b"a\x00b", b"a\x0bb", b"a\x7fb", b"a\r b", b"a\n b", b"a\r\n b", b"a\r\n\tb", b"a\r\r\nb"]
LINES = [b"X Y: z", b"X\xa0: z", b": z", b"X", b"X\t: z", b"X : z", b"(X): z", b"X\x00: z", b" X: z", b"\tX: z"]


@pytest.mark.parametrize("field", [*(b"X-Bad: " + value for value in VALUES), *LINES])
def test_a_field_of_an_answer(proxy: Plane, upstream: Upstream, field: bytes) -> None:
    async def script(talk: Talk) -> None:
        await talk.head()
        await talk.say(b"HTTP/1.1 200 OK\r\n" + field + b"\r\nContent-Length: 2\r\n\r\nok")
        await talk.gone()

    upstream.script = script
    wire = proxy.tunnel()
    reply = wire.get()
    assert (reply.status, reply.json["code"]) == (502, "upstream_invalid")
    assert "x-bad" not in reply.headers
    upstream.script = scripted.polite
    assert wire.get().body == b"hello"


@pytest.mark.parametrize(
    "line", [b"HTTP/1.1 200 OK\rX: y", b"HTTP/1.1 200 O\x00K", b"HTTP/1.1 200 OK\nX: y", b"HTTP/1.1  200 OK", b"200 OK"]
)
def test_the_status_line_of_an_answer(proxy: Plane, upstream: Upstream, line: bytes) -> None:
    async def script(talk: Talk) -> None:
        await talk.head()
        await talk.say(line + b"\r\nContent-Length: 2\r\n\r\nok")
        await talk.gone()

    upstream.script = script
    assert proxy.tunnel().get().json["code"] == "upstream_invalid"


def test_an_answer_with_another_behind_it_in_its_head(proxy: Plane, upstream: Upstream) -> None:
    async def script(talk: Talk) -> None:
        await talk.head()
        await talk.say(b"HTTP/1.1 200 OK\r\nX-Value: from a query\r\n" + SPLIT)
        await talk.gone()

    upstream.script = script
    wire = proxy.tunnel()
    assert (reply := wire.get()).status == 200
    assert (reply.body, wire.take_all()) == (b"", b"")
    upstream.script = scripted.polite
    serves(proxy, upstream)


@pytest.mark.parametrize("field", [*(b"X-Bad: " + value for value in VALUES), *LINES])
def test_a_field_of_a_request(proxy: Plane, upstream: Upstream, field: bytes) -> None:
    wire = proxy.tunnel()
    wire.send(f"GET /bad HTTP/1.1\r\nHost: {HOST}\r\n".encode() + field + b"\r\n\r\n")
    assert wire.reply().status == 400
    assert upstream.seen == []


@pytest.mark.parametrize("line", [b"GET\t/ HTTP/1.1", b"GET  / HTTP/1.1", b" GET / HTTP/1.1", b"GET / HTTP/1.1 "])
@pytest.mark.parametrize("before", [b"", b"\r\n", b"\r\n\r\n"])
def test_the_first_line_of_a_request(proxy: Plane, upstream: Upstream, line: bytes, before: bytes) -> None:
    wire = proxy.tunnel()
    wire.send(before + line + f"\r\nHost: {HOST}\r\n\r\n".encode())
    assert wire.reply().status == 400
    assert upstream.seen == []


@pytest.mark.parametrize("query", ["a=%0d%0aX-Injected:%20yes", "a=%0A%0AGET%20/evil", "a=%00"])
def test_escaped_line_ends_in_a_query_stay_escaped(proxy: Plane, upstream: Upstream, query: str) -> None:
    assert proxy.tunnel().get(f"/q?{query}").status == 200
    assert paths(upstream) == [f"/q?{query}"]
    assert b"X-Injected: " not in upstream.seen[0]


def test_fields_of_ours_cannot_be_brought_along(proxy: Plane, upstream: Upstream) -> None:
    """In no spelling that a server takes for them (RFC 3875 section 4.1.18), where the upstream is told who asks."""
    proxy.publish(proxy.gateway(connector(identify=True)), {"service": CANARY})
    spellings = [
        b"X-TameFlare-Agent",
        b"x-tameflare-agent",
        b"X_TameFlare_Agent",
        b"X-TAMEFLARE_AGENT",
        b"X-TameFlare-Run",
    ]
    assert proxy.tunnel().get(extra=b"".join(name + b": forged\r\n" for name in spellings)).status == 200
    assert b"forged" not in upstream.seen[0]
    assert upstream.seen[0].lower().count(b"tameflare") == 1


def test_fields_that_connection_names_end_here(proxy: Plane, upstream: Upstream) -> None:
    """Also those that the proxy itself sets: an agent cannot have the credential taken out again on the way."""
    extra = b"Connection: Authorization, Host, X-Mine\r\nX-Mine: 1\r\nX-Other: 2\r\n"
    assert proxy.tunnel().get(extra=extra).status == 200
    head = upstream.seen[0]
    assert CANARY.encode() in head
    assert f"Host: {HOST}\r\n".encode() in head
    assert b"X-Mine" not in head
    assert b"X-Other: 2" in head
