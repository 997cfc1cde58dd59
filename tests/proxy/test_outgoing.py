"""Where the credential is put, and what of the agent's own is taken out, as the upstream sees it."""

from __future__ import annotations

import base64

import pytest
from tests.support.clients import recorded_path, request
from tests.support.plane import CANARY, Plane, connector
from tests.support.upstream import Talk, Upstream

from tameflare.connectors.placeholders import placeholder
from tameflare.core.config import AuthScheme, CredentialMode, GatewayConfig
from tameflare.core.decision import EnforcementLevel

REAL = "real-looking-key-0123456789abcdef"


def sent(proxy: Plane, upstream: Upstream, extra: bytes = b"", path: str = "/") -> list[str]:
    """The lines of the head that the upstream saw."""
    assert proxy.tunnel().get(path, extra).status == 200
    return upstream.seen[-1].decode().split("\r\n")


def serve(proxy: Plane, auth: AuthScheme, name: str = "") -> str:
    """Publish a connector of this scheme: its credential."""
    proxy.publish(proxy.gateway(connector(auth=auth, auth_name=name)), {"service": CANARY})
    return f"{CANARY}-{proxy.version}"


def test_a_header_of_its_own(proxy: Plane, upstream: Upstream) -> None:
    key = serve(proxy, AuthScheme.HEADER, "X-Api-Key")
    lines = sent(proxy, upstream, f"x-api-key: {REAL}\r\nAuthorization: Bearer {REAL}\r\n".encode())
    assert f"X-Api-Key: {key}" in lines
    assert REAL not in str(lines)


def test_basic(proxy: Plane, upstream: Upstream) -> None:
    key = serve(proxy, AuthScheme.BASIC)
    lines = sent(proxy, upstream, b"Authorization: Basic bWU6bXlzZWxm\r\n")
    assert [line for line in lines if line.lower().startswith("authorization")] == [
        "Authorization: Basic " + base64.b64encode(f"{key}:".encode()).decode()
    ]


def test_a_query_parameter(proxy: Plane, upstream: Upstream) -> None:
    key = serve(proxy, AuthScheme.QUERY, "key")
    lines = sent(proxy, upstream, path=f"/q?a=1&key={REAL}&%6bey={REAL}&b=2")
    assert lines[0] == f"GET /q?a=1&b=2&key={key} HTTP/1.1"
    intent, _ = recorded_path(proxy, "/q?a=1&key=***&%6bey=***&b=2")
    assert CANARY not in repr(intent)


def test_a_query_parameter_where_there_was_no_query(proxy: Plane, upstream: Upstream) -> None:
    key = serve(proxy, AuthScheme.QUERY, "key")
    assert sent(proxy, upstream)[0] == f"GET /?key={key} HTTP/1.1"


def test_a_cookie(proxy: Plane, upstream: Upstream) -> None:
    key = serve(proxy, AuthScheme.COOKIE, "session")
    lines = sent(proxy, upstream, f"Cookie: a=1; session={REAL}\r\nCookie: session={REAL}; b=2\r\n".encode())
    assert [line for line in lines if line.startswith("Cookie")] == [f"Cookie: a=1; b=2; session={key}"]


@pytest.mark.parametrize("field", ["Authorization: Bearer {}", "Authorization: token {}", "X-Other: {}"])
def test_its_own_placeholder_may_be_sent(proxy: Plane, upstream: Upstream, field: str) -> None:
    own = placeholder("generic", "service")
    lines = sent(proxy, upstream, field.format(own).encode() + b"\r\n")
    assert f"Authorization: Bearer {CANARY}-{proxy.version}" in lines


def test_a_placeholder_in_the_query_of_another_host_is_refused(proxy: Plane, upstream: Upstream) -> None:
    foreign = placeholder("openai", "openai")
    reply = proxy.tunnel().get(f"/?key={foreign}")
    assert (reply.status, reply.json["code"]) == (403, "placeholder_misused")
    assert upstream.seen == []


def test_a_placeholder_inside_basic_is_found(proxy: Plane, upstream: Upstream) -> None:
    pair = base64.b64encode(f"x-access-token:{placeholder('github', 'github')}".encode())
    reply = proxy.tunnel().get("/", b"Authorization: Basic " + pair + b"\r\n")
    assert (reply.status, reply.json["code"]) == (403, "placeholder_misused")


@pytest.mark.parametrize("name", ["X-HTTP-Method-Override", "X-Method-Override", "X-HTTP-Method", "X-Original-URL"])
def test_what_would_make_it_another_request_is_taken_out(proxy: Plane, upstream: Upstream, name: str) -> None:
    lines = sent(proxy, upstream, f"{name}: DELETE\r\n".encode(), "/?a=1&_method=DELETE")
    assert lines[0] == "GET /?a=1 HTTP/1.1"
    assert "DELETE" not in str(lines)


NEGOTIATION = (
    b"accept-ENCODING: gzip, br\r\nRange: bytes=5-9\r\nIf-Range: x\r\nRequest-Range: bytes=5-9\r\nA-IM: gzip\r\n"
)
ASSET = "/repos/octo/hello/releases/assets/7"


def negotiated(lines: list[str]) -> list[str]:
    names = ("accept-encoding", "range", "if-range", "request-range", "a-im")
    return [line for line in lines[1:] if line.lower().partition(":")[0] in names]


@pytest.mark.parametrize("extra", [b"", NEGOTIATION])
def test_an_answer_to_a_credential_is_asked_for_whole_and_plain(proxy: Plane, upstream: Upstream, extra: bytes) -> None:
    lines = sent(proxy, upstream, extra)
    assert {line.partition(":")[0] for line in lines[1:] if line} == {"Host", "Authorization", "Accept-Encoding"}
    assert negotiated(lines) == ["Accept-Encoding: identity"]


@pytest.mark.parametrize("extra", [b"", NEGOTIATION])
@pytest.mark.parametrize("mode", [CredentialMode.NONE, CredentialMode.PASSTHROUGH])
def test_without_a_credential_of_ours_nothing_is_added_or_taken(
    proxy: Plane, upstream: Upstream, mode: CredentialMode, extra: bytes
) -> None:
    proxy.publish(proxy.gateway(connector(credential=mode)))
    assert negotiated(sent(proxy, upstream, extra)) == extra.decode().split("\r\n")[:-1]


@pytest.mark.parametrize("extra", [b"", NEGOTIATION])
def test_downloads_may_come_in_parts_and_encoded(proxy: Plane, upstream: Upstream, extra: bytes) -> None:
    """The same head for a file and then for something else: what is kept of the one is not used for the other."""
    proxy.publish(github(proxy), {"service": CANARY})
    wire = proxy.tunnel()
    for path, wanted in ((ASSET, extra.decode()), ("/repos/octo/hello", "Accept-Encoding: identity\r\n")) * 2:
        assert wire.get(path, extra).status == 200
        assert negotiated(upstream.seen[-1].decode().split("\r\n")) == wanted.split("\r\n")[:-1], path
        assert f"Authorization: token {CANARY}-{proxy.version}\r\n".encode() in upstream.seen[-1]


def test_strict_masking_knows_no_downloads(proxy: Plane, upstream: Upstream) -> None:
    proxy.publish(github(proxy, strict_mask=True), {"service": CANARY})
    assert negotiated(sent(proxy, upstream, NEGOTIATION, ASSET)) == ["Accept-Encoding: identity"]


def github(proxy: Plane, **options: bool) -> GatewayConfig:
    return proxy.gateway(connector(type="github", auth=AuthScheme.VENDOR, **options))


@pytest.mark.parametrize("value", [b"gzip,deflate,br,zstd,compress", b"identity;q=0.5,*;q=0.123"])
def test_what_an_agent_accepts_is_not_taken_for_a_key(proxy: Plane, upstream: Upstream, value: bytes) -> None:
    reply = proxy.tunnel().get("/", b"Accept-Encoding: " + value + b"\r\n")
    intent, _ = proxy.recorded(reply.headers["x-tameflare-request-id"])
    assert (intent.flags, len(upstream.seen)) == ((), 1)


def test_the_spelling_and_order_of_other_fields_stay(proxy: Plane, upstream: Upstream) -> None:
    lines = sent(proxy, upstream, b"aCCept: a\r\nX-B: 1\r\nX-b: 2\r\naccept: c\r\n")
    kept = [line for line in lines[1:] if line.lower().startswith(("accept:", "x-b"))]
    assert kept == ["aCCept: a", "X-B: 1", "X-b: 2", "accept: c"]


@pytest.mark.parametrize(
    ("asked", "seen"),
    [
        ("/%7Euser/%2e", "refused"),
        ("/%7euser", "/~user"),
        ("/a%2fb", "/a%2Fb"),
        ("/a;x=1", "/a;x=1"),
        ("/%C3%BC", "/%C3%BC"),
    ],
)
def test_what_is_judged_is_what_is_sent(proxy: Plane, upstream: Upstream, asked: str, seen: str) -> None:
    wire = proxy.tunnel()
    wire.send(request(path=asked))
    status = wire.reply().status
    if seen == "refused":
        assert (status, upstream.seen) == (400, [])
    else:
        assert upstream.seen[-1].startswith(f"GET {seen} HTTP/1.1\r\n".encode())


def test_a_real_key_is_noted_only_where_one_was_sent(proxy: Plane, upstream: Upstream) -> None:
    sent(proxy, upstream, b"Authorization: Bearer none\r\n", "/dummy")
    sent(proxy, upstream, f"Authorization: Bearer {REAL}\r\n".encode(), "/real")
    assert "agent_key_seen" not in recorded_path(proxy, "/dummy")[0].flags
    assert "agent_key_seen" in recorded_path(proxy, "/real")[0].flags


def test_the_answer_cannot_pass_for_ours(proxy: Plane, upstream: Upstream) -> None:
    async def script(talk: Talk) -> None:
        await talk.head()
        await talk.say(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\nX-TameFlare-Request-Id: req_forged\r\n")
        await talk.say(b"X-TameFlare-Kill-Switch: active\r\nProxy-Authenticate: Basic\r\n\r\n")

    upstream.script = script
    reply = proxy.tunnel().get()
    assert reply.headers["x-tameflare-request-id"] != "req_forged"
    assert "x-tameflare-kill-switch" not in reply.headers
    assert "proxy-authenticate" not in reply.headers


def test_monitor_sends_no_credential_to_a_host_without_a_connector(proxy: Plane, upstream: Upstream) -> None:
    other = connector(domains=("elsewhere.example.test",))
    proxy.publish(proxy.gateway(other, level=EnforcementLevel.MONITOR), {"service": CANARY})
    reply = proxy.tunnel().get("/unnamed", b"Authorization: Bearer mine\r\n")
    assert reply.status == 200
    assert b"Authorization: Bearer mine" in upstream.seen[-1]
    assert CANARY.encode() not in upstream.seen[-1]
    intent, _ = recorded_path(proxy, "/unnamed")
    assert (intent.connector, intent.would_be, intent.flags) == ("", "deny", ("warned",))


def test_an_upstream_is_told_the_agent_only_where_the_connector_says_so(proxy: Plane, upstream: Upstream) -> None:
    own_claim = b"X-TameFlare-Agent: somebody-else\r\n"
    proxy.tunnel().get("/", own_claim)
    proxy.publish(proxy.gateway(connector(identify=True)), {"service": CANARY})
    proxy.tunnel().get("/", own_claim)
    silent, told = upstream.seen
    assert b"TameFlare" not in silent
    assert told.count(b"TameFlare") == 1
    assert b"X-TameFlare-Agent: default\r\n" in told
