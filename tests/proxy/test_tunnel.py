"""Hosts that are let through unopened, and the first bytes of every tunnel."""

from __future__ import annotations

import socket
import ssl
import time

import pytest
from tests.support.clients import Gate, request, shake_hands, some
from tests.support.plane import CANARY, HOST, RAW, Plane, Wire, connector, rules
from tests.support.upstream import Talk, Upstream, answer
from tests.support.waiting import wait_for

from tameflare.core.config import AuthScheme, CredentialMode
from tameflare.core.decision import Verdict
from tameflare.core.killswitch import KillSwitch, ScopeKind
from tameflare.link.messages import Intent, Outcome
from tameflare.wire.tls import TlsShell


@pytest.fixture
def passing(proxy: Plane) -> Plane:
    """The proxy with a tunnel connector for both hosts."""
    publish(proxy, Verdict.ALLOW)
    return proxy


def publish(proxy: Plane, verdict: Verdict, **configuration: object) -> None:
    pinned = connector(
        "pinned", type="tunnel", domains=(HOST, RAW), auth=AuthScheme.VENDOR, credential=CredentialMode.NONE
    )
    gateway = proxy.gateway(pinned, rules=rules(("pinned", "tunnel.open", verdict)))
    proxy.publish(gateway, **configuration)


def intent_since(proxy: Plane, began: float) -> Intent:
    """The first decision that was made since then."""
    return wait_for(
        lambda: next((entry for entry in proxy.intents() if entry.time >= began), None), "a decision is on record"
    )


def ended(proxy: Plane, intent: Intent) -> Outcome:
    _, outcome = proxy.recorded(intent.request_id)
    assert outcome is not None
    return outcome


def trusting_upstream(proxy: Plane) -> ssl.SSLContext:
    return ssl.create_default_context(cadata=proxy.authority.cert_pem.bytes().decode())


def hello(proxy: Plane, host: str = HOST, context: ssl.SSLContext | None = None) -> tuple[TlsShell, bytes]:
    """A client's TLS and its first bytes."""
    shell = TlsShell(context or proxy.context(), server_side=False, server_hostname=host)
    return shell, shell.outgoing()


def connect_line(proxy: Plane, host: str = HOST) -> bytes:
    return f"CONNECT {host}:443 HTTP/1.1\r\nHost: {host}:443\r\n".encode() + proxy.header() + b"\r\n"


def ask(wire: Wire, shell: TlsShell) -> bytes:
    """One request over a shaken shell: the first bytes of its answer."""
    wire.send(shell.send(request()))
    plain = b""
    while not plain:
        plain = shell.receive(some(wire))
    return plain


# --- let through unopened


def test_the_agent_talks_to_the_upstreams_own_certificate(passing: Plane, upstream: Upstream) -> None:
    began = time.time()
    wire = passing.connect()
    wire.sock = trusting_upstream(passing).wrap_socket(wire.sock, server_hostname=HOST)
    reply = wire.get(extra=b"Authorization: Bearer the-agents-own\r\n")
    assert (reply.status, reply.body) == (200, b"hello")
    assert "x-tameflare-request-id" not in reply.headers
    assert b"the-agents-own" in upstream.seen[0]
    assert CANARY.encode() not in upstream.seen[0]
    wire.close()
    intent = intent_since(passing, began)
    assert (intent.actions[0].type, intent.verdict, intent.host) == ("tunnel.open", "allow", HOST)
    outcome = ended(passing, intent)
    assert outcome.bytes_in > 500
    assert outcome.bytes_out > 500
    assert outcome.reason == ""


def test_a_large_answer_comes_through_whole(passing: Plane, upstream: Upstream) -> None:
    async def script(talk: Talk) -> None:
        await talk.head()
        await talk.say(answer(bytes(8 << 20)))

    upstream.script = script
    wire = passing.connect()
    wire.sock = trusting_upstream(passing).wrap_socket(wire.sock, server_hostname=HOST)
    assert len(wire.get().body) == 8 << 20


@pytest.mark.parametrize("sni", ["other.example.test", f"{HOST}.evil.test"])
def test_another_name_in_the_handshake_is_refused(passing: Plane, upstream: Upstream, sni: str) -> None:
    began, before = time.time(), upstream.connections
    wire = passing.connect()
    wire.send(hello(passing, sni)[1])
    assert wire.rest() == b""
    intent = intent_since(passing, began)
    assert (intent.verdict, intent.reason, intent.status) == ("deny", "host_mismatch", 421)
    assert upstream.connections == before


def test_no_name_in_the_handshake_is_taken_for_the_host_of_the_tunnel(passing: Plane, upstream: Upstream) -> None:
    context = trusting_upstream(passing)
    context.check_hostname = False
    wire = passing.connect()
    wire.sock = context.wrap_socket(wire.sock)
    assert wire.get().status == 200


@pytest.mark.parametrize("verdict", [Verdict.DENY, Verdict.REQUIRES_APPROVAL])
def test_a_rule_that_does_not_allow_is_told_at_the_connect(proxy: Plane, upstream: Upstream, verdict: Verdict) -> None:
    publish(proxy, verdict)
    began, before, asked = time.time(), upstream.connections, proxy.link.questions.copy()
    wire = proxy.plain()
    wire.send(f"CONNECT {HOST}:443 HTTP/1.1\r\nHost: {HOST}:443\r\n".encode() + proxy.header() + b"\r\n")
    reply = wire.reply()
    code = "approval_required" if verdict is Verdict.REQUIRES_APPROVAL else "rule_deny"
    assert (reply.status, reply.json["action"], reply.json["code"]) == (403, "tunnel.open", code)
    assert proxy.link.questions == asked, "nobody is asked: a tunnel cannot wait"
    intent = intent_since(proxy, began)
    assert (intent.status, intent.verdict) == (403, verdict.value)
    assert upstream.connections == before


def test_the_kill_switch_cuts_an_open_tunnel(passing: Plane, upstream: Upstream) -> None:
    began = time.time()
    wire = passing.connect()
    wire.sock = trusting_upstream(passing).wrap_socket(wire.sock, server_hostname=HOST)
    assert wire.get().status == 200
    publish(passing, Verdict.ALLOW, kill_switches=(KillSwitch(ScopeKind.CONNECTOR, "pinned", "drill"),))
    assert wire.rest() == b""
    assert ended(passing, intent_since(passing, began)).reason == "kill_switch_active"


def test_each_side_may_end_its_half(passing: Plane, raw: Upstream) -> None:
    async def script(talk: Talk) -> None:
        await talk.say(b"%d and goodbye" % len(await talk.gone()))

    raw.script = script
    began = time.time()
    _, first = hello(passing, RAW)
    wire = passing.connect(RAW)
    begun = raw.connections
    wire.send(first)
    wait_for(lambda: raw.connections > begun, "the upstream is reached")
    wire.send(b"more")
    wire.sock.shutdown(socket.SHUT_WR)
    assert wire.rest() == b"%d and goodbye" % (len(first) + 4)
    wire.close()
    outcome = ended(passing, intent_since(passing, began))
    assert (outcome.bytes_in, outcome.bytes_out) == (len(first) + 4, len(b"%d and goodbye" % len(first)))


def test_the_bytes_go_on_as_they_came(passing: Plane, raw: Upstream) -> None:
    got, whole = b"", Gate()
    _, first = hello(passing, RAW)

    async def script(talk: Talk) -> None:
        nonlocal got
        got = await talk.body(len(first))
        whole.open()
        await talk.gone()

    raw.script = script
    wire = passing.connect(RAW)
    for at in range(len(first)):
        wire.send(first[at : at + 1])
    whole.passed()
    assert got == first


@pytest.mark.parametrize(
    "garbage", [b"\x16\x03\x01\x00\x05\x01\x00\x00\x01\x00", b"\x16\x03\x01\x00\x05\x02\x00\x00\x01\x00"]
)
def test_what_is_no_client_hello_is_refused(passing: Plane, raw: Upstream, garbage: bytes) -> None:
    began, before = time.time(), raw.connections
    wire = passing.connect(RAW)
    wire.send(garbage)
    assert wire.rest() == b""
    assert intent_since(passing, began).reason == "not_http"
    assert raw.connections == before


def test_an_upstream_that_is_away_closes_the_tunnel(proxy: Plane) -> None:
    gone = connector(
        "pinned", type="tunnel", domains=("nowhere.invalid",), auth=AuthScheme.VENDOR, credential=CredentialMode.NONE
    )
    proxy.publish(proxy.gateway(gone, rules=rules(("pinned", "**", Verdict.ALLOW))))
    began = time.time()
    wire = proxy.connect("nowhere.invalid")
    wire.send(hello(proxy, "nowhere.invalid")[1])
    assert wire.rest() == b""
    assert ended(proxy, intent_since(proxy, began)).reason == "upstream_unreachable"


# --- first bytes, where the tunnel is opened


def test_a_client_hello_may_come_with_the_connect(proxy: Plane, upstream: Upstream) -> None:
    shell, first = hello(proxy)
    wire = proxy.plain()
    wire.send(connect_line(proxy) + first)
    assert wire.until(b"\r\n\r\n").startswith(b"HTTP/1.1 200")
    shake_hands(wire, shell)
    assert ask(wire, shell).startswith(b"HTTP/1.1 200 OK")


def test_a_client_hello_may_come_with_the_connect_where_it_is_passed_on(passing: Plane, upstream: Upstream) -> None:
    shell, first = hello(passing, context=trusting_upstream(passing))
    wire = passing.plain()
    wire.send(connect_line(passing) + first)
    assert wire.until(b"\r\n\r\n").startswith(b"HTTP/1.1 200")
    shake_hands(wire, shell)
    assert ask(wire, shell).startswith(b"HTTP/1.1 200 OK")


def test_a_client_hello_may_come_in_pieces(proxy: Plane, upstream: Upstream) -> None:
    shell, first = hello(proxy)
    wire = proxy.connect()
    wire.sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    for at in range(len(first)):
        wire.send(first[at : at + 1])
    shake_hands(wire, shell)
    assert ask(wire, shell).startswith(b"HTTP/1.1 200 OK")


def test_an_interception_needs_no_name_in_the_handshake(proxy: Plane, upstream: Upstream) -> None:
    context = proxy.context()
    context.check_hostname = False
    wire = proxy.connect()
    wire.sock = context.wrap_socket(wire.sock)
    assert wire.get().status == 200


@pytest.mark.parametrize(
    "banner", [b"SSH-2.0-OpenSSH_9.2\r\n", b"\x00\x01\x02\x03", b"EHLO me\r\n", b"PRI * HTTP/2.0\r\n\r\n"]
)
def test_other_protocols_are_refused_with_a_record(proxy: Plane, upstream: Upstream, banner: bytes) -> None:
    began, before = time.time(), upstream.connections
    wire = proxy.connect()
    wire.send(banner)
    wire.rest()
    intent = intent_since(proxy, began)
    assert (intent.verdict, intent.host, intent.status) == ("deny", HOST, 400)
    assert intent.reason in ("not_http", "bad_request")
    assert upstream.connections == before


def test_an_upgrade_asked_for_inside_is_not_passed_on(proxy: Plane, upstream: Upstream) -> None:
    upgrade = b"Connection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AAMAAABkAARAAAAAAAIAAAAA\r\n"
    assert proxy.tunnel().get(extra=upgrade).status == 200
    assert b"pgrade" not in upstream.seen[0]
    assert b"HTTP2-Settings" not in upstream.seen[0]


def test_a_tunnel_inside_a_tunnel_is_refused(proxy: Plane, upstream: Upstream) -> None:
    wire = proxy.tunnel()
    wire.send(f"CONNECT {HOST}:443 HTTP/1.1\r\nHost: {HOST}\r\n\r\n".encode())
    assert wire.reply().status == 400
    wire = proxy.tunnel()
    assert wire.get(f"https://{HOST}/").status == 400
    assert upstream.seen == []


def test_broken_tls_ends_the_connection_and_what_was_asked_in_it(proxy: Plane, upstream: Upstream) -> None:
    begun, gone = Gate(), Gate()

    async def script(talk: Talk) -> None:
        await talk.head()
        begun.open()
        await talk.gone()
        gone.open()

    upstream.script = script
    shell, first = hello(proxy)
    wire = proxy.connect()
    wire.send(first)
    shake_hands(wire, shell)
    wire.send(shell.send(request()))
    begun.passed()
    wire.send(b"\x17\x03\x03\x00\x20" + bytes(32))
    wire.rest()
    gone.passed()


def test_a_client_that_trusts_somebody_else_is_told_by_tls(proxy: Plane, upstream: Upstream) -> None:
    wire = proxy.connect()
    with pytest.raises(ssl.SSLCertVerificationError):
        trusting_upstream(proxy).wrap_socket(wire.sock, server_hostname=HOST)
    assert proxy.tunnel().get().status == 200
