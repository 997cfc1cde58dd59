"""A secret that comes back from the upstream reaches the agent as stars, at no one's cost."""

from __future__ import annotations

import base64
import gzip
from urllib.parse import quote

import pytest
from tests.support.clients import Gate, peak_memory, request
from tests.support.plane import CANARY, Plane, Reply, connector
from tests.support.upstream import Talk, Upstream, answer

from tameflare.core.config import CredentialMode

CHUNKED = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
UNTIL_CLOSE = b"HTTP/1.1 200 OK\r\n\r\n"
PIECES = 1600
ROOM = 16 << 20


def secret(proxy: Plane) -> bytes:
    """The credential of the version that the proxy serves."""
    return f"{CANARY}-{proxy.version}".encode()


def stars(proxy: Plane) -> bytes:
    return b"*" * len(secret(proxy))


def says(upstream: Upstream, *pieces: bytes) -> None:
    """Have the upstream answer with these writes, each on its own, and then close."""

    async def script(talk: Talk) -> None:
        await talk.head()
        for piece in pieces:
            await talk.say(piece)
            await talk.pause()

    upstream.script = script


def flags(proxy: Plane, reply: Reply) -> tuple[str, ...]:
    _, outcome = proxy.recorded(reply.headers["x-tameflare-request-id"])
    assert outcome is not None
    return outcome.flags


def test_in_headers_and_the_reason(proxy: Plane, upstream: Upstream) -> None:
    key = secret(proxy)
    fields = b"X-Echo: Bearer %b\r\nLocation: /?k=%b\r\nX-%b: 1\r\nSet-Cookie: a=%b\r\nSet-Cookie: b=%b\r\n" % (
        (key,) * 5
    )
    says(upstream, answer(b"hello", "403 No " + key.decode(), fields))
    wire = proxy.tunnel()
    wire.send(request())
    head = wire.until(b"\r\n\r\n")
    shown = b"HTTP/1.1 403 No %b\r\n" % key + fields + b"Content-Length: 5\r\n"
    assert head.startswith(shown.replace(key, stars(proxy)))
    assert wire.take(5) == b"hello"


@pytest.mark.parametrize("status", ["200 OK", "401 Unauthorized", "500 Oops"])
def test_in_bodies_of_any_status(proxy: Plane, upstream: Upstream, status: str) -> None:
    key = secret(proxy)
    says(upstream, answer(b'{"error":"bad key %b"}' % key, status))
    reply = proxy.tunnel().get()
    assert (reply.status, reply.body) == (int(status[:3]), b'{"error":"bad key %b"}' % stars(proxy))
    assert flags(proxy, reply) == ("masked",)


def test_what_is_clean_is_not_flagged(proxy: Plane, upstream: Upstream) -> None:
    says(upstream, answer(b"hello " + CANARY.encode()))
    reply = proxy.tunnel().get()
    assert (reply.body, flags(proxy, reply)) == (b"hello " + CANARY.encode(), ())


def test_encoded_forms(proxy: Plane, upstream: Upstream) -> None:
    key = secret(proxy)
    forms = [
        base64.b64encode(b"user:" + key),
        base64.b64encode(key),
        quote(key).encode(),
        key.upper(),
        key.hex().encode(),
    ]
    says(upstream, answer(b"\n".join(forms)))
    pair, alone, percent, upper, hexed = proxy.tunnel().get().body.split(b"\n")
    assert (len(pair), pair[:6], set(pair[8:-2])) == (len(forms[0]), forms[0][:6], {ord("*")})
    assert set(alone[:-3]) == {ord("*")}
    assert percent == stars(proxy)
    assert (upper, hexed) == (key.upper(), key.hex().encode()), "these are documented as not found"


@pytest.mark.parametrize("framing", ["length", "chunked", "until close"])
def test_cut_at_every_byte_over_writes(proxy: Plane, upstream: Upstream, framing: str) -> None:
    key = secret(proxy)
    body = b"<" + key + b">"
    for at in range(1, len(body)):
        first, second = body[:at], body[at:]
        if framing == "chunked":
            says(upstream, CHUNKED, b"%x\r\n%b\r\n" % (at, first), b"%x\r\n%b\r\n0\r\n\r\n" % (len(second), second))
        else:
            length = b"Content-Length: %d\r\n" % len(body) if framing == "length" else b""
            says(upstream, b"HTTP/1.1 200 OK\r\n" + length + b"\r\n" + first, second)
        reply = proxy.tunnel().get()
        assert reply.body == b"<" + stars(proxy) + b">", at
    assert flags(proxy, reply) == ("masked",)


def test_chunks_in_one_write_hide_nothing(proxy: Plane, upstream: Upstream) -> None:
    key = secret(proxy)
    said = CHUNKED + b"".join(b"1\r\n%c\r\n" % byte for byte in key) + b"0\r\nX-Trailer: " + key + b"\r\n\r\n"
    says(upstream, said)
    wire = proxy.tunnel()
    wire.send(request())
    assert wire.head().headers["transfer-encoding"] == "chunked"
    assert wire.until(b"0\r\n\r\n") == b"%x\r\n%b\r\n0\r\n\r\n" % (len(key), stars(proxy))


def test_the_head_cut_anywhere(proxy: Plane, upstream: Upstream) -> None:
    said = answer(b"ok", extra=b"X-Echo: " + secret(proxy) + b"\r\n")
    for at in range(30, len(said) - 6, 3):
        says(upstream, said[:at], said[at:])
        reply = proxy.tunnel().get()
        assert (reply.headers["x-echo"], reply.body) == (stars(proxy).decode(), b"ok")


@pytest.mark.parametrize(
    ("method", "status"), [("HEAD", "200 OK"), ("GET", "304 Not Modified"), ("GET", "204 No Content")]
)
def test_answers_without_a_body(proxy: Plane, upstream: Upstream, method: str, status: str) -> None:
    said = b"HTTP/1.1 %b\r\nETag: %b\r\nContent-Encoding: gzip\r\n\r\n" % (status.encode(), secret(proxy))

    async def script(talk: Talk) -> None:
        while True:
            await talk.head()
            await talk.say(said)

    upstream.script = script
    wire = proxy.tunnel()
    for _ in range(2):
        reply = wire.get(method=method)
        assert (reply.headers["etag"], flags(proxy, reply)) == (stars(proxy).decode(), ("masked",))


def test_one_connection_carries_masked_and_clean_answers(proxy: Plane, upstream: Upstream) -> None:
    key = secret(proxy)
    bodies = [b"hello", key, b"a" * 5 + key[:-1], key + key]

    async def script(talk: Talk) -> None:
        for body in bodies:
            await talk.head()
            await talk.say(answer(body))

    upstream.script = script
    wire, before = proxy.tunnel(), upstream.connections
    assert [wire.get().body for _ in bodies] == [b"hello", stars(proxy), bodies[2], stars(proxy) * 2]
    assert upstream.connections == before + 1


def test_events_are_not_delayed(proxy: Plane, upstream: Upstream) -> None:
    """Each event is only said after the agent has read the one before, though it ends with half a secret."""
    key = secret(proxy)
    events = [b"data: %b\n\n" % key[:at] for at in range(1, len(key) + 1, 7)] + [b"data: %b\n\n" % key]
    gates = [Gate() for _ in events]

    async def script(talk: Talk) -> None:
        await talk.head()
        await talk.say(b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n")
        for event, gate in zip(events, gates, strict=True):
            await talk.say(b"%x\r\n%b\r\n" % (len(event), event))
            await gate.wait(talk)
        await talk.say(b"0\r\n\r\n")

    upstream.script = script
    wire = proxy.tunnel()
    wire.send(request())
    reply = wire.head()
    for event, gate in zip(events, gates, strict=True):
        shown = event.replace(key, stars(proxy))
        assert wire.until(b"\n\n\r\n") == b"%x\r\n%b\r\n" % (len(shown), shown)
        gate.open()
    assert wire.take(5) == b"0\r\n\r\n"
    assert flags(proxy, reply) == ("masked",)


def test_what_could_be_a_secret_waits_only_for_the_next_bytes(proxy: Plane, upstream: Upstream) -> None:
    seen = Gate()

    async def script(talk: Talk) -> None:
        await talk.head()
        await talk.say(UNTIL_CLOSE + b"ends in " + secret(proxy)[:4])
        await seen.wait(talk)
        await talk.say(b"...")

    upstream.script = script
    wire = proxy.tunnel()
    wire.send(request())
    wire.head()
    assert wire.until(b"\r\n") + wire.until(b"\r\n") == b"8\r\nends in \r\n"
    seen.open()
    assert wire.until(b"0\r\n\r\n") == b"7\r\n%b...\r\n0\r\n\r\n" % secret(proxy)[:4]


@pytest.mark.parametrize("chunked", [False, True])
def test_a_hundred_megabytes_in_flat_memory(proxy: Plane, upstream: Upstream, chunked: bool) -> None:
    """One secret in each piece, and one over each edge between two."""
    key = secret(proxy)
    piece = key[9:] + bytes(16384) + key + b"a" * 16384 + b"b" * 32000 + key[:9]
    framing = b"Transfer-Encoding: chunked" if chunked else b"Content-Length: %d" % (PIECES * len(piece))

    async def script(talk: Talk) -> None:
        await talk.head()
        await talk.say(b"HTTP/1.1 200 OK\r\n" + framing + b"\r\n\r\n")
        for _ in range(PIECES):
            await talk.say(b"%x\r\n%b\r\n" % (len(piece), piece) if chunked else piece)
        await talk.say(b"0\r\n\r\n" if chunked else b"")

    upstream.script = script
    wire = proxy.tunnel()
    before = peak_memory(proxy)
    body = wire.get().body
    assert peak_memory(proxy) - before < ROOM
    assert len(body) == PIECES * len(piece)
    assert (body.count(key), body.count(stars(proxy))) == (0, PIECES + PIECES - 1)


# --- answers that cannot be searched


@pytest.mark.parametrize("coding", ["gzip", "br", "GZIP", "identity, gzip", "deflate"])
def test_an_answer_that_is_encoded_all_the_same_is_flagged(proxy: Plane, upstream: Upstream, coding: str) -> None:
    packed = gzip.compress(b"see " + secret(proxy))
    fields = b"Content-Encoding: %b\r\nX-Echo: %b\r\n" % (coding.encode(), secret(proxy))
    says(upstream, answer(packed, extra=fields))
    reply = proxy.tunnel().get("/", b"Accept-Encoding: gzip\r\n")
    assert b"Accept-Encoding: identity\r\n" in upstream.seen[-1]
    assert (reply.headers["content-encoding"], reply.body) == (coding, packed)
    assert reply.headers["x-echo"] == stars(proxy).decode()
    assert flags(proxy, reply) == ("encoded_response", "masked")


def test_identity_is_no_encoding(proxy: Plane, upstream: Upstream) -> None:
    says(upstream, answer(secret(proxy), extra=b"Content-Encoding: identity\r\n"))
    reply = proxy.tunnel().get()
    assert (reply.body, flags(proxy, reply)) == (stars(proxy), ("masked",))


def test_a_second_field_does_not_hide_the_encoding(proxy: Plane, upstream: Upstream) -> None:
    says(upstream, answer(b"abc", extra=b"Content-Encoding: identity\r\nContent-Encoding: gzip\r\n"))
    assert flags(proxy, proxy.tunnel().get()) == ("encoded_response",)


def test_strict_masking_refuses_what_is_encoded(proxy: Plane, upstream: Upstream) -> None:
    proxy.publish(proxy.gateway(connector(strict_mask=True)), {"service": CANARY})
    says(upstream, answer(gzip.compress(secret(proxy)), extra=b"Content-Encoding: gzip\r\n"))
    reply = proxy.tunnel().get()
    assert (reply.status, reply.json["code"]) == (502, "response_encoded")
    assert "encoded" in reply.json["error"] + reply.json["message"]
    assert flags(proxy, reply) == ("encoded_response",)
    says(upstream, answer(secret(proxy)))
    assert proxy.tunnel().get().body == stars(proxy)


# --- where there is nothing to mask


@pytest.mark.parametrize("mode", [CredentialMode.NONE, CredentialMode.PASSTHROUGH])
def test_without_a_credential_of_ours_answers_pass_as_they_come(
    proxy: Plane, upstream: Upstream, mode: CredentialMode
) -> None:
    proxy.publish(proxy.gateway(connector(credential=mode)), {"service": CANARY})
    says(upstream, answer(secret(proxy), extra=b"Content-Encoding: gzip\r\n"))
    reply = proxy.tunnel().get("/", b"Authorization: Bearer own\r\n")
    assert (reply.body, flags(proxy, reply)) == (secret(proxy), ())
