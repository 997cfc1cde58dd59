"""A request through the running proxy: who, where, what, and what goes on."""

from __future__ import annotations

import json

import msgspec
import pytest
from tests.support.plane import CANARY, HOST, Plane, connector, rules
from tests.support.upstream import Talk, Upstream, answer

from tameflare.connectors.placeholders import placeholder
from tameflare.core.config import AgentConfig, AgentStatus, CredentialMode
from tameflare.core.decision import EnforcementLevel, Verdict
from tameflare.core.killswitch import KillSwitch, ScopeKind


def test_the_credential_is_put_in_and_hop_by_hop_fields_are_taken_out(proxy: Plane, upstream: Upstream) -> None:
    reply = proxy.tunnel().get(
        "/things?x=1",
        b"Authorization: Bearer nothing\r\nConnection: X-Private, keep-alive\r\nX-Private: 1\r\nX-Kept: yes\r\n"
        b"Proxy-Authorization: Basic c2VjcmV0Og==\r\nX-TameFlare-Agent: me\r\n",
    )
    assert (reply.status, reply.body) == (200, b"hello")
    assert reply.headers["x-tameflare-request-id"].startswith("req_")
    (head,) = upstream.seen
    lines = head.decode().split("\r\n")
    assert lines[0] == "GET /things?x=1 HTTP/1.1"
    assert f"Authorization: Bearer {CANARY}-{proxy.version}" in lines
    assert "X-Kept: yes" in lines
    assert f"Host: {HOST}" in lines
    for gone in ("nothing", "X-Private", "Proxy-Authorization", "TameFlare", "c2VjcmV0Og"):
        assert gone not in head.decode()


def test_a_denied_request_never_goes_upstream_and_says_why(proxy: Plane, upstream: Upstream) -> None:
    proxy.publish(proxy.gateway(rules=rules(("service", "http.get", Verdict.ALLOW))), {"service": CANARY})
    before = upstream.connections
    wire = proxy.tunnel()
    reply = wire.get("/x", method="DELETE")
    assert reply.status == 403
    assert reply.json["code"] == "no_rule"
    assert reply.json["action"] == "http.delete"
    assert upstream.connections == before
    assert wire.get("/x").status == 200, "the connection lives on after a denial"
    intent, outcome = proxy.recorded(reply.json["request_id"])
    assert (intent.verdict, intent.reason, intent.status, outcome) == ("deny", "no_rule", 403, None)


def test_an_unknown_host_is_refused_inside_the_tunnel(proxy: Plane, upstream: Upstream) -> None:
    reply = proxy.tunnel("elsewhere.example.test").get("/", host="elsewhere.example.test")
    assert (reply.status, reply.json["code"]) == (403, "no_connector")
    assert "tf connector add" in reply.json["help"]


@pytest.mark.parametrize("host", ["other.example.test", f"{HOST}:8443", "", f"{HOST}@evil.test"])
def test_host_must_agree_with_the_tunnel(proxy: Plane, upstream: Upstream, host: str) -> None:
    before = upstream.connections
    reply = proxy.tunnel().get("/", host=host)
    assert reply.status in (400, 421)
    assert upstream.connections == before


@pytest.mark.parametrize("host", [f"{HOST}:443", HOST.upper(), f"{HOST}."])
def test_spellings_of_the_same_host_agree(proxy: Plane, upstream: Upstream, host: str) -> None:
    assert proxy.tunnel().get("/", host=host).status == 200


def test_sni_must_agree_with_the_tunnel(proxy: Plane, upstream: Upstream) -> None:
    before = upstream.connections
    reply = proxy.tunnel(sni="other.example.test").get("/")
    assert (reply.status, reply.json["code"]) == (421, "host_mismatch")
    assert upstream.connections == before


def test_without_a_token_407_and_the_connection_stays_open(proxy: Plane, upstream: Upstream) -> None:
    wire = proxy.plain()
    wire.send(f"CONNECT {HOST}:443 HTTP/1.1\r\nHost: {HOST}:443\r\n\r\n".encode())
    reply = wire.reply()
    assert reply.status == 407
    assert reply.headers["proxy-authenticate"].startswith("Basic")
    wire.send(f"CONNECT {HOST}:443 HTTP/1.1\r\nHost: {HOST}:443\r\n".encode() + proxy.header() + b"\r\n")
    assert wire.head().status == 200


@pytest.mark.parametrize(
    ("user", "password"),
    [("gwtk_wrong", ""), ("tfr_made-up", ""), ("gwln_test-link-token", ""), ("tfu_x", ""), ("", ""), ("nobody", None)],
)
def test_what_proves_nothing_is_407(proxy: Plane, user: str, password: str | None) -> None:
    wire = proxy.plain()
    header = proxy.header(user, proxy.token if password is None else password)
    wire.send(f"CONNECT {HOST}:443 HTTP/1.1\r\nHost: {HOST}:443\r\n".encode() + header + b"\r\n")
    assert wire.reply().status == 407


def test_the_agent_is_named_in_the_user_field(proxy: Plane, upstream: Upstream) -> None:
    reply = proxy.tunnel(header=proxy.header("worker", proxy.token)).get("/")
    intent, _ = proxy.recorded(reply.headers["x-tameflare-request-id"])
    assert intent.agent == "agent-2"


def test_a_suspended_agent_is_refused_inside_an_open_tunnel(proxy: Plane, upstream: Upstream) -> None:
    wire = proxy.tunnel()
    assert wire.get("/").status == 200
    suspended = (AgentConfig("agent-1", "default", status=AgentStatus.SUSPENDED),)
    proxy.publish(proxy.gateway(agents=suspended), {"service": CANARY})
    assert wire.get("/").status == 407


def test_a_real_key_sent_by_the_agent_is_replaced_and_noted(proxy: Plane, upstream: Upstream) -> None:
    reply = proxy.tunnel().get("/", b"Authorization: Bearer sk-real-looking-key-0123456789\r\n")
    assert b"real-looking" not in upstream.seen[0]
    intent, _ = proxy.recorded(reply.headers["x-tameflare-request-id"])
    assert "agent_key_seen" in intent.flags


@pytest.mark.parametrize("field", ["Authorization: Bearer {}", "X-Extra: {}", "Cookie: a={}"])
def test_the_placeholder_of_another_connector_is_refused(proxy: Plane, upstream: Upstream, field: str) -> None:
    before = len(upstream.seen)
    reply = proxy.tunnel().get("/", field.format(placeholder("github", "github")).encode() + b"\r\n")
    assert (reply.status, reply.json["code"]) == (403, "placeholder_misused")
    assert len(upstream.seen) == before


def test_a_missing_credential_is_a_refusal(proxy: Plane, upstream: Upstream) -> None:
    proxy.publish(proxy.gateway())
    reply = proxy.tunnel().get("/")
    assert (reply.status, reply.json["code"]) == (403, "credential_missing")


def test_credential_none_sends_nothing_and_passthrough_sends_the_agents(proxy: Plane, upstream: Upstream) -> None:
    proxy.publish(proxy.gateway(connector(credential=CredentialMode.NONE)), {"service": CANARY})
    proxy.tunnel().get("/", b"Authorization: Bearer mine\r\n")
    proxy.publish(proxy.gateway(connector(credential=CredentialMode.PASSTHROUGH)), {"service": CANARY})
    reply = proxy.tunnel().get("/", b"Authorization: Bearer mine\r\nX-HTTP-Method-Override: DELETE\r\n")
    first, second = upstream.seen
    assert b"uthorization" not in first
    assert b"Authorization: Bearer mine" in second
    assert b"Override" not in second
    intent, _ = proxy.recorded(reply.headers["x-tameflare-request-id"])
    assert "credential_passthrough" in intent.flags


def test_two_connectors_for_a_host_are_told_apart_by_placeholder(proxy: Plane, upstream: Upstream) -> None:
    both = (connector("one"), connector("two"))
    allowed = rules(("one", "**", Verdict.ALLOW), ("two", "**", Verdict.ALLOW))
    proxy.publish(proxy.gateway(*both, rules=allowed), {"one": "key-of-one", "two": "key-of-two"})
    wire = proxy.tunnel()
    assert wire.get("/").json["code"] == "credential_ambiguous"
    assert wire.get("/", f"Authorization: Bearer {placeholder('generic', 'two')}\r\n".encode()).status == 200
    assert b"key-of-two" in upstream.seen[-1]


def test_the_kill_switch_bites_and_says_so(proxy: Plane, upstream: Upstream) -> None:
    wire = proxy.tunnel()
    assert wire.get("/").status == 200
    switch = KillSwitch(ScopeKind.CONNECTOR, "service", "drill")
    proxy.publish(proxy.gateway(level=EnforcementLevel.MONITOR), {"service": CANARY}, kill_switches=(switch,))
    reply = wire.get("/")
    assert (reply.status, reply.headers["x-tameflare-kill-switch"]) == (403, "active")
    assert reply.json["message"] == "Kill switch is active"


def test_the_rate_limit_answers_429_with_retry_after(proxy: Plane, upstream: Upstream) -> None:
    agents = (AgentConfig("agent-limited", "default"),)
    proxy.publish(proxy.gateway(agents=agents, rate_limit_per_minute=2), {"service": CANARY})
    wire = proxy.tunnel()
    assert [wire.get("/").status for _ in range(3)] == [200, 200, 429]
    assert 1 <= int(wire.get("/").headers["retry-after"]) <= 61


@pytest.mark.parametrize(
    ("level", "status", "reason"),
    [
        (EnforcementLevel.FULL_ENFORCE, 403, "no_rule"),
        (EnforcementLevel.SOFT_ENFORCE, 200, "unwritten_allowed"),
        (EnforcementLevel.MONITOR, 200, "monitored"),
    ],
)
def test_what_nobody_wrote_a_rule_for_follows_the_level(
    proxy: Plane, upstream: Upstream, level: EnforcementLevel, status: int, reason: str
) -> None:
    proxy.publish(proxy.gateway(level=level, rules=()), {"service": CANARY})
    reply = proxy.tunnel().get("/")
    assert reply.status == status
    intent, _ = proxy.recorded(reply.headers["x-tameflare-request-id"])
    assert (intent.reason, intent.would_be, intent.level) == (reason, "deny", level.value)


def test_without_a_control_plane_nobody_can_be_asked(proxy: Plane, upstream: Upstream) -> None:
    proxy.publish(proxy.gateway(rules=rules(("service", "**", Verdict.REQUIRES_APPROVAL))), {"service": CANARY})
    before = len(upstream.seen)
    proxy.link.approvals_status = 503
    try:
        reply = proxy.tunnel().get("/")
    finally:
        proxy.link.approvals_status = 200
    assert (reply.status, reply.json["code"]) == (503, "approvals_unavailable")
    intent, _ = proxy.recorded(reply.headers["x-tameflare-request-id"])
    assert (intent.reason, intent.final) == ("approvals_unavailable", True)
    assert len(upstream.seen) == before


@pytest.mark.parametrize("path", ["/a/../b", "/a/%2e%2e/b", "/a//b", "/a\\b", "/a%00"])
def test_ambiguous_paths_are_refused(proxy: Plane, upstream: Upstream, path: str) -> None:
    before = len(upstream.seen)
    reply = proxy.tunnel().get(path)
    assert (reply.status, reply.json["code"]) == (400, "path_ambiguous")
    assert len(upstream.seen) == before


def test_the_record_masks_sensitive_query_values_and_keeps_no_key(proxy: Plane, upstream: Upstream) -> None:
    reply = proxy.tunnel().get("/p?token=tell-nobody&page=2", b"User-Agent: probe\r\nCookie: s=tell-nobody\r\n")
    intent, outcome = proxy.recorded(reply.headers["x-tameflare-request-id"])
    assert intent.path == "/p?token=***&page=2"
    assert intent.user_agent == "probe"
    assert "tell-nobody" not in repr((intent, outcome))
    assert CANARY not in repr((intent, outcome))
    assert outcome is not None
    assert (outcome.status, outcome.reason) == (200, "")
    assert outcome.bytes_out > 0


def test_a_redirect_goes_back_to_the_client(proxy: Plane, upstream: Upstream) -> None:
    async def script(talk: Talk) -> None:
        await talk.head()
        await talk.say(answer(b"", "302 Found", b'Location: https://elsewhere.test/\r\nAlt-Svc: h3=":443"\r\n'))

    upstream.script = script
    reply = proxy.tunnel().get("/")
    assert (reply.status, reply.headers["location"]) == (302, "https://elsewhere.test/")
    assert "alt-svc" not in reply.headers
    assert len(upstream.seen) == 1


def test_a_run_ends_with_the_proxy_token_that_opened_it(proxy: Plane, upstream: Upstream) -> None:
    session = proxy.plain()
    session.send(b"POST /run HTTP/1.1\r\nHost: localhost\r\n" + proxy.header() + b"Content-Length: 2\r\n\r\n{}")
    session.until(b"\r\n\r\n")
    run = json.loads(session.take(int(session.until(b"\r\n"), 16)))
    wire = proxy.tunnel(header=proxy.header(run["token"]))
    assert wire.get("/").status == 200
    proxy.publish(msgspec.structs.replace(proxy.gateway(), tokens=()), {"service": CANARY})
    assert wire.get("/").status == 407


def test_refusals_count_towards_the_rate_and_a_flood_of_them_is_not_all_recorded(
    proxy: Plane, upstream: Upstream
) -> None:
    agents = (AgentConfig("agent-flooding", "default"),)
    proxy.publish(proxy.gateway(agents=agents, rate_limit_per_minute=3), {"service": CANARY})
    wire = proxy.tunnel()
    statuses = [wire.get("/a//b").status for _ in range(10)]
    assert statuses == [400] * 3 + [429] * 7
    last = wire.get("/")
    proxy.publish(proxy.gateway(), {"service": CANARY})
    proxy.recorded(proxy.tunnel().get("/").headers["x-tameflare-request-id"])
    written = [intent for intent in proxy.intents() if intent.agent == "agent-flooding"]
    assert [intent.status for intent in written] == [400] * 3 + [429] * 3
    assert last.status == 429
