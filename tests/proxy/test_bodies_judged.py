"""Bodies that the decision needs: read whole within a limit, and understood in one way only."""

from __future__ import annotations

import gzip
import json

import pytest
from tests.support.clients import post, post_chunked, recorded_path, request
from tests.support.plane import CANARY, Plane, connector, rules
from tests.support.upstream import Talk, Upstream, answer

from tameflare.core.config import AuthScheme
from tameflare.core.decision import EnforcementLevel, Verdict

PULL = "/repos/acme/site/pulls/1"
JSON = b"Content-Type: application/json\r\n"
FORM = b"Content-Type: application/x-www-form-urlencoded\r\n"
OVER = b"a=" + b"x" * (1 << 20)


def github(proxy: Plane, level: EnforcementLevel = EnforcementLevel.FULL_ENFORCE) -> None:
    """Pull requests may be changed but not closed."""
    known = connector("hub", type="github", auth=AuthScheme.VENDOR)
    written = rules(("hub", "github.pr.update", Verdict.ALLOW), ("hub", "github.pr.close", Verdict.DENY))
    proxy.publish(proxy.gateway(known, rules=written, level=level), {"hub": CANARY})


async def reading(talk: Talk) -> None:
    """Answers with the head and the body that came."""
    head = await talk.head()
    size = int(head.lower().split(b"content-length: ")[1].split(b"\r\n")[0])
    await talk.say(answer(await talk.body(size)))


@pytest.fixture
def echo(upstream: Upstream) -> Upstream:
    upstream.script = reading
    return upstream


def test_the_body_decides_and_goes_on_as_it_came(proxy: Plane, echo: Upstream) -> None:
    github(proxy)
    body = b'{"title": "x",  "state" : "open"}'
    reply = post(proxy.tunnel(), body, JSON, PULL, "PATCH")
    assert (reply.status, reply.body) == (200, body)


def test_a_judged_body_in_chunks_goes_on_with_its_length(proxy: Plane, echo: Upstream) -> None:
    github(proxy)
    reply = post_chunked(proxy.tunnel(), [b'{"title"', b': "x"}'], JSON, PULL, "PATCH")
    assert (reply.status, reply.body) == (200, b'{"title": "x"}')
    assert b"chunked" not in echo.seen[0]


def test_what_the_body_says_is_denied_and_the_connection_lives_on(proxy: Plane, echo: Upstream) -> None:
    github(proxy)
    wire = proxy.tunnel()
    reply = post(wire, b'{"state": "closed"}', JSON, PULL, "PATCH")
    assert (reply.status, reply.headers.get("connection")) == (403, None)
    assert echo.seen == []
    assert post(wire, b'{"title": "x"}', JSON, PULL, "PATCH").status == 200


def test_a_gzip_body_is_read_and_sent_as_it_came(proxy: Plane, echo: Upstream) -> None:
    github(proxy)
    wire = proxy.tunnel()
    packed = gzip.compress(b'{"title": "x"}')
    coding = JSON + b"Content-Encoding: gzip\r\n"
    assert post(wire, packed, coding, PULL, "PATCH").body == packed
    assert post(wire, gzip.compress(b'{"state": "closed"}'), coding, PULL, "PATCH").status == 403


@pytest.mark.parametrize(
    "body",
    [
        b"{",
        b'{"state": "open", "state": "closed"}',
        b'\xef\xbb\xbf{"title": "x"}',
        b"\xff\xfe",
        b"[" * 200 + b"]" * 200,
    ],
)
def test_an_unreadable_body_is_refused(proxy: Plane, echo: Upstream, body: bytes) -> None:
    github(proxy)
    reply = post(proxy.tunnel(), body, JSON, PULL, "PATCH")
    assert reply.status == 403
    assert echo.seen == []
    intent, _ = proxy.recorded(reply.headers["x-tameflare-request-id"])
    assert (intent.reason, intent.verdict) == ("body_unreadable", "deny")


def test_monitor_lets_an_unreadable_body_through_and_says_so(proxy: Plane, echo: Upstream) -> None:
    github(proxy, EnforcementLevel.MONITOR)
    reply = post(proxy.tunnel(), b"{", JSON, PULL, "PATCH")
    assert (reply.status, reply.body) == (200, b"{")
    intent, _ = proxy.recorded(reply.headers["x-tameflare-request-id"])
    assert (intent.reason, intent.would_be) == ("monitored", "deny")
    assert "body_unreadable" in intent.message


@pytest.mark.parametrize("chunked", [False, True])
def test_a_judged_body_over_the_limit_is_refused(proxy: Plane, echo: Upstream, chunked: bool) -> None:
    wire = proxy.tunnel()
    reply = post_chunked(wire, [OVER, OVER], FORM) if chunked else post(wire, OVER + OVER, FORM)
    assert (reply.status, reply.json["code"]) == (413, "body_too_large")
    assert echo.seen == []
    assert post(wire, b"a=1", FORM).status == 200, "the connection lives on"


def test_a_judged_body_at_the_limit_passes(proxy: Plane, echo: Upstream) -> None:
    assert post(proxy.tunnel(), OVER[: 1 << 20], FORM).status == 200


@pytest.mark.parametrize("chunked", [False, True])
def test_monitor_lets_a_body_over_the_limit_through_as_it_came(proxy: Plane, upstream: Upstream, chunked: bool) -> None:
    async def script(talk: Talk) -> None:
        await talk.head()
        got = await talk.chunked() if chunked else await talk.body(2 * len(OVER))
        await talk.say(answer(b"%d" % len(got)))

    upstream.script = script
    proxy.simple(level=EnforcementLevel.MONITOR)
    wire = proxy.tunnel()
    reply = post_chunked(wire, [OVER, OVER], FORM) if chunked else post(wire, OVER + OVER, FORM)
    assert (reply.status, reply.body) == (200, b"%d" % (2 * len(OVER)))


def test_a_streamed_body_is_asked_for_once_the_upstream_is_there(proxy: Plane, echo: Upstream) -> None:
    wire = proxy.tunnel()
    wire.send(request("POST", extra=b"Content-Length: 3\r\nExpect: 100-continue\r\n"))
    assert wire.head().status == 100
    wire.send(b"abc")
    assert wire.reply().body == b"abc"
    assert b"xpect" not in echo.seen[0]


def test_a_judged_body_is_asked_for_before_the_decision(proxy: Plane, echo: Upstream) -> None:
    github(proxy)
    wire = proxy.tunnel()
    expecting = JSON + b"Expect: 100-continue\r\n"
    for body, status in ((b'{"title": "x"}', 200), (b'{"state": "closed"}', 403)):
        wire.send(request("PATCH", PULL, b"Content-Length: %d\r\n" % len(body) + expecting))
        assert wire.head().status == 100
        wire.send(body)
        assert wire.reply().status == status


@pytest.mark.parametrize("sent_at_once", [b"", b"abc"])
def test_a_refused_request_is_never_asked_for_its_body(proxy: Plane, echo: Upstream, sent_at_once: bytes) -> None:
    proxy.simple(rules=())
    wire = proxy.tunnel()
    wire.send(request("POST", extra=b"Content-Length: 3\r\nExpect: 100-continue\r\n") + sent_at_once)
    reply = wire.reply()
    assert (reply.status, reply.headers["connection"]) == (403, "close")
    assert wire.rest() == b""


def test_a_judged_body_over_the_limit_is_not_asked_for(proxy: Plane, echo: Upstream) -> None:
    wire = proxy.tunnel()
    wire.send(request("POST", extra=FORM + b"Content-Length: 9999999\r\nExpect: 100-continue\r\n"))
    assert wire.reply().status == 413


def test_a_refused_upload_is_read_to_its_end(proxy: Plane, echo: Upstream) -> None:
    proxy.simple(rules=())
    wire = proxy.tunnel()
    assert post(wire, bytes(8 << 20)).status == 403
    proxy.simple()
    assert post(wire, b"abc").status == 200
    assert len(echo.seen) == 1


def test_a_judged_body_with_a_broken_chunk_is_400(proxy: Plane, echo: Upstream) -> None:
    wire = proxy.tunnel()
    wire.send(request("POST", "/judged-broken", FORM + b"Transfer-Encoding: chunked\r\n") + b"nonsense\r\n")
    reply = wire.reply()
    assert (reply.status, reply.json["code"]) == (400, "bad_request")
    intent, _ = recorded_path(proxy, "/judged-broken")
    assert (intent.status, intent.reason) == (400, "bad_request")


def test_recorded_parameters_come_from_the_body(proxy: Plane, echo: Upstream) -> None:
    proxy.publish(proxy.gateway(connector(record=("amount",))), {"service": CANARY})
    reply = post(proxy.tunnel(), b"amount=12&secret=34", FORM)
    intent, _ = proxy.recorded(reply.headers["x-tameflare-request-id"])
    assert intent.actions[0].parameters == {"amount": "12"}
    assert "34" not in json.dumps(intent.actions[0].parameters)
