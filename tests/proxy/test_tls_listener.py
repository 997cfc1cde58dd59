"""The listener in TLS, for agents on other machines: the handshake outside, and what goes on in it unchanged inside."""

from __future__ import annotations

import asyncio
import contextlib
import json
import socket
import ssl
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.support.clients import PIECE, Gate, peak_memory, post, request, shake_hands, some
from tests.support.plane import CANARY, HOST, IN_TLS, PATIENCE, RAW, Plane, Wire, connector, plane, rules
from tests.support.upstream import Talk, Upstream
from tests.support.waiting import wait_for

from tameflare.cli import outer_tls
from tameflare.core.config import AuthScheme, CredentialMode
from tameflare.core.decision import Verdict
from tameflare.proxy.front import notice_vanished_peers
from tameflare.wire.tls import TlsShell

NAME = IN_TLS["TF_PROXY_TLS_NAMES"]
ENVIRONMENT = {**IN_TLS, "TF_HEAD_TIMEOUT": "1", "TF_MAX_UNAUTHENTICATED": "4"}
SIZE = 30 << 20
ROOM = 24 << 20


@pytest.fixture
def agent(proxy: Plane, upstream: Upstream) -> Iterator[Plane]:
    """The proxy, whose clients come in by TLS."""
    proxy.outer = True
    try:
        yield proxy
    finally:
        proxy.outer = False


def bare(proxy: Plane) -> socket.socket:
    """A connection to the TLS listener with nothing said."""
    return socket.create_connection(("127.0.0.1", proxy.tls_port), PATIENCE)


def opening(proxy: Plane, host: str = HOST) -> bytes:
    return f"CONNECT {host}:443 HTTP/1.1\r\nHost: {host}\r\n".encode() + proxy.header() + b"\r\n"


def client_hello(host: str = HOST) -> bytes:
    return TlsShell(ssl.create_default_context(), server_side=False, server_hostname=host).outgoing()


# --- the handshake


def test_the_certificate_is_for_its_names_and_for_this_machine(proxy: Plane) -> None:
    for name in (NAME, "localhost", "127.0.0.1", "::1"):
        assert proxy.secured(name).get("/health", host=name if ":" not in name else f"[{name}]").status == 200
    with pytest.raises(ssl.SSLCertVerificationError, match=r"not valid for 'elsewhere\.example'"):
        proxy.secured("elsewhere.example")


@pytest.mark.parametrize("version", [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3])
def test_versions_from_1_2_on(proxy: Plane, version: ssl.TLSVersion) -> None:
    context = proxy.context()
    context.minimum_version = context.maximum_version = version
    context.set_alpn_protocols(["h2", "http/1.1"])
    sock = proxy.secured(context=context).sock
    assert isinstance(sock, ssl.SSLSocket)
    assert sock.selected_alpn_protocol() == "http/1.1"


@pytest.mark.filterwarnings("ignore:ssl.TLSVersion.TLSv1.* is deprecated")
def test_older_versions_are_refused(proxy: Plane) -> None:
    context = proxy.context()
    context.set_ciphers("ALL:@SECLEVEL=0")
    context.minimum_version = ssl.TLSVersion.TLSv1
    context.maximum_version = ssl.TLSVersion.TLSv1_1
    with pytest.raises(ssl.SSLError, match=r"(?i)protocol.version|handshake"):
        proxy.secured(context=context)


def test_a_handshake_that_is_not_finished_is_ended_in_time(proxy: Plane) -> None:
    shell = TlsShell(proxy.context(), server_side=False, server_hostname=NAME)
    first = shell.outgoing()
    wires = [Wire(bare(proxy)) for _ in range(3)]
    for wire, begun in zip(wires, (first[:4], first[:100], first), strict=True):
        wire.send(begun)
    for wire in wires:
        wire.rest()  # comes back because the proxy closes
        wire.close()


def test_handshakes_that_are_not_finished_keep_nobody_out(agent: Plane) -> None:
    with contextlib.ExitStack() as silent:
        for _ in range(12):
            silent.enter_context(bare(agent))
        assert agent.tunnel().get().status == 200


@pytest.mark.parametrize("noise", [b"SSH-2.0-OpenSSH_9.2\r\n", b"\x16\x03\x01\x00\x05hello", bytes(4096)])
def test_noise_ends_that_connection_alone(proxy: Plane, noise: bytes) -> None:
    before = metric(proxy)
    with contextlib.closing(Wire(bare(proxy))) as wire:
        wire.send(noise)
        assert not wire.rest().startswith(b"HTTP/")
    assert metric(proxy) == before + 1
    assert proxy.secured().get("/health", host=NAME).status == 200


def metric(proxy: Plane) -> float:
    page = proxy.plain().get("/metrics", host="localhost").body.decode()
    lines = [line for line in page.splitlines() if line.startswith("tameflare_listener_tls_failed_total")]
    return float(lines[0].split()[1])


def test_a_server_name_that_is_not_ascii_leaves_no_traceback(proxy: Plane) -> None:
    first = client_hello("name.example").replace(b"name.example", b"n\xe4me.example")
    for wire in (Wire(bare(proxy)), proxy.connect()):
        with contextlib.closing(wire):
            wire.send(first)
            wire.rest()
    assert proxy.secured().get("/health", host=NAME).status == 200
    assert "Traceback" not in proxy.log
    assert "UnicodeDecodeError" not in proxy.log


# --- the wrong scheme


@pytest.mark.parametrize("first", [b"GET http://api.example.test/ HTTP/1.1\r\n", b"CONNECT api.example.test:443 HTTP"])
def test_plain_http_at_the_tls_port_is_told_so(proxy: Plane, first: bytes) -> None:
    with contextlib.closing(Wire(bare(proxy))) as wire:
        wire.send(first)
        reply = wire.reply()
    assert (reply.status, reply.json["code"]) == (400, "tls_needed")
    assert "write https://" in reply.json["message"]


def test_tf_knows_what_is_missing(proxy: Plane) -> None:
    with pytest.raises(outer_tls.TlsNeeded, match="speaks TLS") as told:
        outer_tls.get(f"http://127.0.0.1:{proxy.tls_port}", "", "/health")
    assert told.value.help == "write https:// in its address"


def test_plain_http_is_logged_but_does_not_fill_the_log(proxy: Plane) -> None:
    said = "a token in it was readable on its way"
    before = proxy.log.count(said)
    for _ in range(5):
        with contextlib.closing(Wire(bare(proxy))) as wire:
            wire.send(b"GET / HTTP/1.1\r\n")
            assert wire.head().status == 400
    assert 1 <= proxy.log.count(said) <= before + 1


def test_plain_http_in_small_pieces_is_told_so_too(proxy: Plane) -> None:
    with contextlib.closing(Wire(bare(proxy))) as wire:
        for byte in b"CONNECT ":
            wire.send(bytes((byte,)))
        assert wire.head().status == 400


def test_tls_at_the_plain_port_ends_at_once(proxy: Plane) -> None:
    with contextlib.closing(Wire(socket.create_connection(("127.0.0.1", proxy.port), PATIENCE))) as wire:
        wire.send(client_hello())
        reply = wire.reply()
    assert (reply.status, reply.json["code"]) == (400, "tls_not_spoken")


# --- what goes on inside


def test_a_request_in_tls_in_tls(agent: Plane, upstream: Upstream) -> None:
    wire = agent.tunnel()
    assert wire.get("/inner").body == b"hello"
    assert f"Bearer {CANARY}".encode() in upstream.seen[-1]
    assert wire.get("/again").status == 200, "the tunnel is kept"


def test_a_plain_request_in_absolute_form(agent: Plane) -> None:
    wire = agent.secured()
    wire.send(f"GET http://{HOST}/ HTTP/1.1\r\nHost: {HOST}\r\n".encode() + agent.header() + b"\r\n")
    assert wire.reply().json["code"] == "plaintext_refused", "judged, as at the plain listener"


def test_a_missing_token_is_asked_for_and_the_connection_kept(agent: Plane) -> None:
    wire = agent.secured()
    wire.send(f"CONNECT {HOST}:443 HTTP/1.1\r\nHost: {HOST}\r\n\r\n".encode())
    assert wire.reply().status == 407
    wire.send(opening(agent))
    assert wire.head().status == 200


def test_the_inner_hello_may_come_with_the_connect(agent: Plane) -> None:
    """In one record of the outer connection, and that in the same write as the end of its handshake."""
    shell = TlsShell(agent.context(), server_side=False, server_hostname=HOST)
    wire = agent.secured()
    wire.send(opening(agent) + shell.outgoing())
    assert wire.head().status == 200
    shake_hands(wire, shell)
    wire.send(shell.send(request()))
    plain = b""
    while b"hello" not in plain:
        plain += shell.receive(some(wire))
    assert plain.startswith(b"HTTP/1.1 200 ")


def test_thirty_megabytes_both_ways_in_flat_memory(agent: Plane, upstream: Upstream) -> None:
    async def script(talk: Talk) -> None:
        await talk.head()
        got = len(await talk.body(SIZE))
        await talk.say(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % got)
        for _ in range(SIZE // len(PIECE)):
            await talk.say(PIECE)

    upstream.script = script
    wire = agent.tunnel()
    before = peak_memory(agent)
    assert len(post(wire, bytes(SIZE)).body) == SIZE
    assert peak_memory(agent) - before < ROOM


def test_who_does_not_read_holds_the_upstream_and_not_our_memory(agent: Plane, upstream: Upstream) -> None:
    ready, sent = Gate(), 0

    async def script(talk: Talk) -> None:
        nonlocal sent
        await talk.head()
        await talk.say(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % (4 * SIZE))
        while sent < 4 * SIZE:
            try:
                async with asyncio.timeout(0.3):
                    await talk.say(PIECE)
            except TimeoutError:
                ready.open()
                return
            sent += len(PIECE)

    upstream.script = script
    wire = agent.tunnel()
    before = peak_memory(agent)
    wire.send(request())
    ready.passed()
    assert sent < 4 * SIZE
    assert peak_memory(agent) - before < ROOM


def test_each_side_may_end_its_half(proxy: Plane, raw: Upstream) -> None:
    """close_notify ends one direction; a tunnel passes it on, and the other direction goes on."""

    async def script(talk: Talk) -> None:
        await talk.say(b"%d and goodbye" % len(await talk.gone()))

    raw.script = script
    pinned = connector("pinned", type="tunnel", domains=(RAW,), auth=AuthScheme.VENDOR, credential=CredentialMode.NONE)
    proxy.publish(proxy.gateway(pinned, rules=rules(("pinned", "tunnel.open", Verdict.ALLOW))))
    shell, first = TlsShell(proxy.context(), server_side=False, server_hostname=NAME), client_hello(RAW)
    with contextlib.closing(Wire(bare(proxy))) as wire:
        wire.send(shell.outgoing())
        shake_hands(wire, shell)
        wire.send(shell.send(opening(proxy, RAW)))
        said = b""
        while not said:  # a session ticket comes first
            said = shell.receive(some(wire))
        assert said.startswith(b"HTTP/1.1 200 ")
        before = raw.connections
        wire.send(shell.send(first))
        wait_for(lambda: raw.connections > before, "the upstream is reached")
        wire.send(shell.send(b"more") + shell.close())
        said = b""
        while not shell.peer_closed:
            said += shell.receive(some(wire))
    assert said == b"%d and goodbye" % (len(first) + 4)


# --- runs, and the end


def test_a_run_is_begun_and_ended_by_its_session(agent: Plane) -> None:
    session = agent.secured()
    session.send(request("POST", "/run", agent.header() + b"Content-Length: 2\r\n", "localhost") + b"{}")
    assert session.head().status == 200
    token = json.loads(session.take(int(session.until(b"\r\n"), 16)))["token"]
    assert agent.tunnel(header=agent.header(token)).get().status == 200
    agent.hang_up()
    wait_for(lambda: agent.health()["connections"] == 1, "only who asks is still there")


def test_a_page_is_shown_only_under_a_name_of_the_certificate(proxy: Plane) -> None:
    reply = proxy.secured().get("/health", host="rebound.example")
    assert (reply.status, reply.json["code"]) == (421, "host_mismatch")


def test_a_stop_ends_connections_in_order(tmp_path: Path) -> None:
    with plane(tmp_path) as made:
        made.outer = True
        made.simple()
        made.start(TF_STOP_TIMEOUT="1")
        idle = made.secured()
        assert made.stop() == 0
        assert idle.rest() == b"", "close_notify, not a cut"


def test_the_only_listener_may_be_in_tls_and_open_to_others(tmp_path: Path) -> None:
    with plane(tmp_path) as made:
        made.simple()
        made.start(TF_PROXY_HOST="0.0.0.0", TF_PROXY_TLS_NAMES=NAME)
        assert (made.port, made.secured(NAME).get("/health", host=NAME).status) == (0, 200)


def test_a_machine_that_is_gone_without_a_word_is_noticed() -> None:
    """By the kernel, which asks again and again; accepted connections inherit it."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        notice_vanished_peers(listener)
        with socket.create_connection(listener.getsockname()), listener.accept()[0] as accepted:
            assert accepted.getsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE) == 1
            options = (socket.TCP_KEEPIDLE, socket.TCP_KEEPINTVL, socket.TCP_KEEPCNT)
            idle, between, times = (accepted.getsockopt(socket.IPPROTO_TCP, option) for option in options)
            assert idle + between * times <= 30
