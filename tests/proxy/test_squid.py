"""Through a real company proxy (Squid): what goes by it, what it is never asked, and what is told when it fails."""

from __future__ import annotations

import base64
import contextlib
import socket
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
import trustme
from tests.support.plane import CANARY, HOST, Plane, connector, plane
from tests.support.squid import DENIED_PORT, ONLY_SQUID_KNOWS, PASSWORD, Squid, missing, squid
from tests.support.upstream import Upstream
from tests.support.waiting import wait_for

pytestmark = pytest.mark.skipif(bool(missing()), reason=missing())

STRANGER, DENIED, CLOSED = "stranger.test", "denied.test", "closed.test"
CODES = {"unreachable": (502, "upstream_unreachable"), "timeout": (504, "upstream_timeout")}


@dataclass
class Chain:
    """A proxy whose upstream connections go through Squid, and what lies behind."""

    proxy: Plane
    squid: Squid
    upstream: Upstream
    pins: str
    closed: int


@pytest.fixture(scope="module")
def chain(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Chain]:
    with contextlib.ExitStack() as stack:
        made = stack.enter_context(plane(tmp_path_factory.mktemp("plane")))
        between = stack.enter_context(squid(made.authority))
        double = Upstream(made.authority.issue_cert(HOST))
        stranger = Upstream(trustme.CA().issue_cert(STRANGER))
        for upstream in (double, stranger):
            stack.enter_context(upstream.running())
        with socket.create_server(("127.0.0.1", 0)) as listener:
            closed = listener.getsockname()[1]
        ports = {HOST: double.port, STRANGER: stranger.port, DENIED: DENIED_PORT, CLOSED: closed}
        pins = ",".join(f"{host}:443:127.0.0.1:{port}" for host, port in ports.items())
        publish(made)
        made.start(pins, TF_UPSTREAM_PROXY=between.url(), TF_CONNECT_TIMEOUT="2")
        yield Chain(made, between, double, pins, closed)


def publish(proxy: Plane) -> None:
    service = connector(domains=(HOST, "*.test", "localhost", ONLY_SQUID_KNOWS))
    proxy.publish(proxy.gateway(service), {"service": CANARY})


@contextlib.contextmanager
def another(chain: Chain, directory: Path, upstream_proxy: str) -> Iterator[Plane]:
    """A proxy with another way through, before the same upstreams."""
    with plane(directory) as made:
        made.authority = chain.proxy.authority
        publish(made)
        made.start(chain.pins, TF_UPSTREAM_PROXY=upstream_proxy, TF_CONNECT_TIMEOUT="2")
        yield made


def told(proxy: Plane, host: str) -> str:
    """The sentence of a refusal because the upstream cannot be reached."""
    reply = proxy.tunnel(host).get(host=host)
    assert (reply.status, reply.json["code"]) == CODES["unreachable"], reply.body
    return str(reply.json["message"])


def test_requests_go_with_the_log_in_which_nobody_else_learns(chain: Chain) -> None:
    assert chain.proxy.tunnel().get("/through").body == b"hello"
    assert f"Bearer {CANARY}".encode() in chain.upstream.seen[-1]
    pair = base64.b64encode(f"ann:{PASSWORD}".encode()).decode()
    assert not [text for text in (PASSWORD, PASSWORD.replace("@", "%40"), pair) if text in chain.proxy.log]


def test_a_proxy_in_tls(chain: Chain, tmp_path: Path) -> None:
    with another(chain, tmp_path, chain.squid.url(secure=True)) as proxy:
        wire = proxy.tunnel()
        assert wire.get("/secure").body == b"hello"
        assert wire.get("/again").body == b"hello"


def test_a_proxy_in_tls_must_show_who_it_is(chain: Chain, tmp_path: Path) -> None:
    address = chain.squid.url(secure=True).replace("localhost", "127.0.0.1")
    with another(chain, tmp_path, address) as proxy:
        assert "its certificate: IP address mismatch" in told(proxy, HOST)


def test_the_upstreams_certificate_is_verified_through_it(chain: Chain) -> None:
    reply = chain.proxy.tunnel(STRANGER).get(host=STRANGER)
    assert (reply.status, reply.json["code"]) == (502, "upstream_certificate")


def test_a_name_that_leads_inside_is_refused_although_squid_would_dial(chain: Chain) -> None:
    reply = chain.proxy.tunnel("localhost").get(host="localhost")
    assert (reply.status, reply.json["code"]) == (403, "address_refused")
    assert "localhost" not in chain.squid.seen()
    assert connected(chain, f"localhost:{chain.upstream.port}"), "it would have"


def test_a_name_that_only_squid_knows_is_not_asked_of_it(chain: Chain) -> None:
    sentence = told(chain.proxy, ONLY_SQUID_KNOWS)
    assert "cannot be resolved here" in sentence
    assert "TF_RESOLVE" in sentence
    assert connected(chain, f"{ONLY_SQUID_KNOWS}:{chain.upstream.port}"), "it knows it"


def connected(chain: Chain, target: str) -> bool:
    """Whether Squid by itself opens a tunnel there."""
    pair = base64.b64encode(f"ann:{PASSWORD}".encode()).decode()
    with socket.create_connection(("127.0.0.1", chain.squid.plain), 10) as sock:
        sock.sendall(
            f"CONNECT {target} HTTP/1.1\r\nHost: {target}\r\nProxy-Authorization: Basic {pair}\r\n\r\n".encode()
        )
        return b" 200 " in sock.recv(4096)


def test_what_squid_denies(chain: Chain) -> None:
    sentence = told(chain.proxy, DENIED)
    assert f"through `http://127.0.0.1:{chain.squid.plain}`: it refuses (403)" in sentence
    assert PASSWORD not in sentence


def test_where_squid_does_not_get(chain: Chain) -> None:
    """It is asked by address: what it dials is what was checked here."""
    assert "it does not get there (503)" in told(chain.proxy, CLOSED)
    wait_for(lambda: f"CONNECT 127.0.0.1:{chain.closed} ann" in chain.squid.seen(), "it is in Squid's log")
    assert CLOSED not in chain.squid.seen()


def test_a_squid_that_says_nothing(chain: Chain) -> None:
    with chain.squid.standing_still():
        publish(chain.proxy)  # so that no connection of the version before is used
        reply = chain.proxy.tunnel().get("/slow")
    assert (reply.status, reply.json["code"]) == CODES["timeout"]
    assert f"did not answer through `http://127.0.0.1:{chain.squid.plain}` within 2 seconds" in reply.json["message"]


@pytest.mark.parametrize(
    ("pair", "said"),
    [
        ("", "it asks for a user and password, and TF_UPSTREAM_PROXY has none (407)"),
        ("ann:wrong", "it does not accept the user and password of TF_UPSTREAM_PROXY (407)"),
    ],
)
def test_a_log_in_that_is_missing_or_wrong(chain: Chain, tmp_path: Path, pair: str, said: str) -> None:
    with another(chain, tmp_path, chain.squid.url(pair)) as proxy:
        assert said in told(proxy, HOST)


def test_a_squid_that_is_away(chain: Chain, tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        closed = listener.getsockname()[1]
    with another(chain, tmp_path, f"http://127.0.0.1:{closed}") as proxy:
        assert "it cannot be reached: Connection refused" in told(proxy, HOST)


def test_a_port_that_speaks_no_tls(chain: Chain, tmp_path: Path) -> None:
    with another(chain, tmp_path, f"https://localhost:{chain.squid.plain}") as proxy:
        assert "it speaks no TLS; write http://" in told(proxy, HOST)
