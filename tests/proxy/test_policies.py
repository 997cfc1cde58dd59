"""Policies on the way of a proxied request: what they look at is read, and nothing more."""

from __future__ import annotations

import json
from decimal import Decimal
from typing import Any

import pytest
from tests.support.clients import post, post_chunked, request
from tests.support.judging import policy
from tests.support.plane import CANARY, RAW, Plane, Reply, connector, rules
from tests.support.upstream import Talk, Upstream, answer
from tests.support.waiting import wait_for

from tameflare.core.config import AuthScheme, PolicyConfig
from tameflare.core.decision import EnforcementLevel, Verdict
from tameflare.link.totals import Sums

ALLOW, DENY, ASK = Verdict.ALLOW, Verdict.DENY, Verdict.REQUIRES_APPROVAL
ISSUES = "/repos/acme/site/issues"
PUSH = "/acme/site.git/git-receive-pack"
JSON = b"Content-Type: application/json\r\n"
TITLE = "{field: parameters.title, operator: contains, value: secret}"
OVER = json.dumps({"title": "x" * (2 << 20)}).encode()


def governed(proxy: Plane, *sources: str, **options: Any) -> None:
    """One connector of GitHub at which rules allow everything, and these policies."""
    known = connector("hub", type=options.pop("type", "github"), auth=AuthScheme.VENDOR, **options.pop("hub", {}))
    gateway = proxy.gateway(known, rules=rules(("hub", "**", ALLOW)), **options)
    stored = tuple(PolicyConfig(f"pol-{at}", "p", 3, source) for at, source in enumerate(sources))
    proxy.publish(gateway, {"hub": CANARY}, policies=stored)


async def reading(talk: Talk) -> None:
    """Answers with the size of the body that came."""
    head = (await talk.head()).lower()
    size = int(head.split(b"content-length: ")[1].split(b"\r\n")[0]) if b"content-length: " in head else 0
    await talk.say(answer(str(len(await talk.body(size))).encode()))


@pytest.fixture
def echo(upstream: Upstream) -> Upstream:
    upstream.script = reading
    return upstream


def pkt(line: bytes) -> bytes:
    return f"{len(line) + 4:04x}".encode() + line


def pushing(*refs: str) -> bytes:
    """What the body of a push begins with."""
    first, *others = (f"{'0' * 40} {'a' * 40} {ref}".encode() for ref in refs)
    return b"".join(map(pkt, (first + b"\0report-status", *others))) + b"0000"


async def in_chunks(talk: Talk) -> None:
    """Answers with the chunked body that came."""
    await talk.head()
    await talk.say(answer(await talk.chunked()))


def test_a_rule_on_a_field_of_the_body_decides(proxy: Plane, echo: Upstream) -> None:
    governed(proxy, policy(DENY, TITLE))
    wire = proxy.tunnel()
    assert post(wire, b'{"title": "harmless"}', JSON, ISSUES).status == 200
    reply = post(wire, b'{"title": "a secret"}', JSON, ISSUES)
    assert (reply.status, reply.json["code"]) == (403, "policy_deny")
    assert "tf policy show" in reply.json["help"]
    assert "policy:p@3:r" in reply.json["matched"]
    intent, _ = proxy.recorded(reply.headers["x-tameflare-request-id"])
    assert intent.matched[-1] == "policy:p@3:r"
    assert len(echo.seen) == 1


def test_a_body_that_was_read_goes_whole_though_the_rule_is_gone_by_then(proxy: Plane, echo: Upstream) -> None:
    """Or its head would take the next request of the connection for its body."""
    governed(proxy, policy(DENY, TITLE))
    body = b'{"title": "harmless"}'
    wire = proxy.tunnel()
    wire.send(request("POST", ISSUES, JSON + b"Content-Length: %d\r\n" % len(body)) + body[:-2])
    wait_for(lambda: proxy.metric("buffered_bytes") > 0, "the body's beginning has been read")
    governed(proxy)
    wire.send(body[-2:])
    assert wire.reply().body == str(len(body)).encode()


def test_a_body_that_is_only_kept_meanwhile_goes_whole(proxy: Plane, echo: Upstream) -> None:
    """A total of what the path says."""
    governed(
        proxy, policy(DENY, '{field: "total(resource.issue_number, window: 1d)", operator: greater_than, value: 9}')
    )
    proxy.link.totals = lambda asked: Sums(tuple((Decimal(7),) for _ in asked.reserve))
    assert post(proxy.tunnel(), b'{"body": "hello"}', JSON, f"{ISSUES}/7/comments").body == b"17"


def test_bodies_that_no_rule_looks_at_stream(proxy: Plane, echo: Upstream) -> None:
    """The second rule is for other actions, the third looks at what the path says."""
    narrow = policy(DENY, TITLE).replace("rules:", "scope: {action_types: ['github.pr.*']}\nrules:")
    governed(proxy, narrow, policy(DENY, "{field: parameters.owner, operator: equals, value: other}"))
    assert post(proxy.tunnel(), OVER, JSON, ISSUES).body == str(len(OVER)).encode()


def test_a_body_that_a_rule_looks_at_and_that_is_too_large_is_refused(proxy: Plane, echo: Upstream) -> None:
    governed(proxy, policy(DENY, TITLE))
    assert post(proxy.tunnel(), OVER, JSON, ISSUES).json["code"] == "body_too_large"
    reply = post_chunked(proxy.tunnel(), [OVER[:1000], OVER[1000:]], JSON, ISSUES)
    assert reply.json["code"] == "body_too_large"
    assert echo.seen == []


@pytest.mark.parametrize("kind", [b"text/plain", b"application/octet-stream", b"multipart/form-data; boundary=x"])
def test_a_kind_of_body_that_nobody_reads_is_refused_where_a_rule_looks_at_it(
    proxy: Plane, echo: Upstream, kind: bytes
) -> None:
    governed(proxy, policy(DENY, "{field: parameters.amount, operator: greater_than, value: 5}"), type="webhook",
             hub={"domains": ("api.example.test",)})  # fmt: skip
    head = b"Content-Type: " + kind + b"\r\n"
    reply = post(proxy.tunnel(), b'{"amount": 6}', head, "/x", "PUT")
    assert (reply.status, reply.json["code"]) == (403, "body_unreadable")
    assert echo.seen == []
    assert post(proxy.tunnel(), b'{"amount": 4}', JSON, "/x", "PUT").status == 200


def test_monitor_lets_all_of_it_through_and_says_so(proxy: Plane, echo: Upstream) -> None:
    governed(proxy, policy(DENY, TITLE), level=EnforcementLevel.MONITOR)
    reply = post(proxy.tunnel(), b'{"title": "a secret"}', JSON, ISSUES)
    assert reply.status == 200
    intent, _ = proxy.recorded(reply.headers["x-tameflare-request-id"])
    assert (intent.would_be, intent.reason) == ("deny", "monitored")
    assert post(proxy.tunnel(), OVER, JSON, ISSUES).body == str(len(OVER)).encode()


def test_what_a_request_is_made_of_may_be_looked_at(proxy: Plane, echo: Upstream) -> None:
    governed(proxy, policy(DENY, "{field: request.user_agent, operator: starts_with, value: evil}"))
    wire = proxy.tunnel()
    assert wire.get(ISSUES).status == 200
    assert wire.get(ISSUES, b"User-Agent: evil/1\r\n").status == 403
    governed(proxy, policy(DENY, "{field: request.path, operator: glob, value: '/repos/acme/**'}"))
    assert proxy.tunnel().get(ISSUES).status == 403


def test_a_push_is_decided_by_its_refs_and_its_pack_streams(proxy: Plane, raw: Upstream) -> None:
    raw.script = reading
    only_topics = policy(DENY, "{field: parameters.ref, operator: equals, value: refs/heads/main}")
    governed(proxy, only_topics, hub={"domains": (RAW,), "ports": (443,), "allow_plaintext": True})

    def push(*refs: str, pack: int, extra: bytes = b"") -> Reply:
        kind = b"Content-Type: application/x-git-receive-pack-request\r\n" + extra
        body = pushing(*refs) + b"PACK" + bytes(pack)
        return post(proxy.plain(), body, proxy.header() + kind, f"http://{RAW}:443{PUSH}", host=f"{RAW}:443")

    large = 3 << 20
    assert push("refs/heads/topic", pack=large).body == str(len(pushing("refs/heads/topic")) + 4 + large).encode()
    seen = len(raw.seen)
    for refs in (("refs/heads/main",), ("refs/heads/topic", "refs/heads/main")):
        assert b"ng refs/heads/main TameFlare: " in push(*refs, pack=large).body
    assert push("refs/heads/topic", pack=9, extra=b"Content-Encoding: gzip\r\n").body.count(b"body_unreadable") == 1
    assert len(raw.seen) == seen


def test_a_beginning_is_not_taken_for_the_whole_by_another_connector(proxy: Plane, raw: Upstream) -> None:
    """The connector of a host is another one by the time that the refs of a push are there."""
    hub = {"domains": (RAW,), "ports": (443,), "allow_plaintext": True}
    governed(proxy, policy(DENY, "{field: parameters.ref, operator: equals, value: refs/heads/main}"), hub=hub)
    refs, seen = pushing("refs/heads/topic"), len(raw.seen)
    form = b"Content-Type: application/x-www-form-urlencoded\r\nTransfer-Encoding: chunked\r\n"
    wire = proxy.plain()
    head = request("POST", f"http://{RAW}:443{PUSH}", proxy.header() + form, f"{RAW}:443")
    wire.send(head + b"%x\r\n%b\r\n" % (len(refs) - 2, refs[:-2]))
    wait_for(lambda: proxy.metric("buffered_bytes") > 0, "the body's beginning has been read")
    governed(proxy, policy(DENY, "{field: parameters.word, operator: equals, value: secret}"), type="generic", hub=hub)
    wire.send(b"%x\r\n00%b\r\n" % (len(refs) + 2, bytes(len(refs))))
    assert wire.reply().json["code"] == "configuration_stale"
    assert len(raw.seen) == seen


def test_the_refs_of_a_push_may_come_byte_by_byte(proxy: Plane, raw: Upstream) -> None:
    raw.script = in_chunks
    only_topics = policy(DENY, "{field: parameters.ref, operator: equals, value: refs/heads/main}")
    governed(proxy, only_topics, hub={"domains": (RAW,), "ports": (443,), "allow_plaintext": True})
    body = pushing("refs/heads/topic") + b"PACK" + bytes(200)
    head = proxy.header() + b"Content-Type: application/x-git-receive-pack-request\r\n"
    wire = proxy.plain()
    target = f"http://{RAW}:443{PUSH}"
    wire.send(request("POST", target, head + b"Transfer-Encoding: chunked\r\n", f"{RAW}:443"))
    for byte in body:
        wire.send(b"1\r\n%c\r\n" % byte)
    wire.send(b"0\r\n\r\n")
    assert wire.reply().body == body
