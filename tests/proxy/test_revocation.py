"""What is revoked ends inside tunnels that are open: the next request is refused, and what is under way is cut."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator

import msgspec
import pytest
from tests.proxy.flying import Flying, flying, gateway, publish
from tests.support import flights
from tests.support.clients import is_closed, request
from tests.support.flights import Begin
from tests.support.plane import CANARY, Plane, Wire
from tests.support.upstream import Talk

from tameflare.core.config import AgentConfig, AgentStatus, GatewayConfig, ProxyToken
from tameflare.link.tokens import digest
from tameflare.proxy.runs import GRACE_SECONDS

SECOND = 1.0
ABOUT_A_SECOND = 1.5  # the clock is looked at once a second

Revoke = Callable[[Plane], None]


@pytest.fixture(scope="module")
def pair(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Flying]:
    with flying(tmp_path_factory.mktemp("plane")) as made:
        yield made


@pytest.fixture
def proxy(pair: Flying) -> Iterator[Plane]:
    publish(pair[0])
    yield pair[0]
    pair[0].hang_up()


def agent_is(status: AgentStatus) -> Revoke:
    agents = (AgentConfig("agent-1", "default"), AgentConfig("agent-2", "worker", status=status))
    return lambda proxy: publish(proxy, agents=agents)


def agent_deleted(proxy: Plane) -> None:
    publish(proxy, agents=(AgentConfig("agent-1", "default"),))


def with_token(proxy: Plane, token: ProxyToken) -> None:
    proxy.publish(msgspec.structs.replace(gateway(proxy), tokens=(token,)), {"service": CANARY})


def token_deleted(proxy: Plane) -> None:
    with_token(proxy, ProxyToken("token-2", digest("gwtk_another", proxy.key)))


def gateway_deleted(proxy: Plane) -> None:
    proxy.publish(GatewayConfig("gateway-2", "other"))


REVOCATIONS: dict[str, Revoke] = {
    "suspended": agent_is(AgentStatus.SUSPENDED),
    "revoked": agent_is(AgentStatus.REVOKED),
    "agent-deleted": agent_deleted,
    "token-deleted": token_deleted,
    "gateway-deleted": gateway_deleted,
}
each_revocation = pytest.mark.parametrize("revoke", REVOCATIONS.values(), ids=REVOCATIONS.keys())


async def no_content(talk: Talk) -> None:
    while True:
        await talk.head()
        await talk.say(b"HTTP/1.1 204 No Content\r\n\r\n")


def expect_refusal(wire: Wire) -> None:
    """The next request in an open tunnel: 407, and the connection ends."""
    refused = wire.get()
    assert refused.status == 407
    assert refused.headers["proxy-authenticate"].startswith("Basic")
    assert refused.headers["connection"] == "close"
    assert wire.rest() == b""


@each_revocation
def test_the_next_request_in_an_open_tunnel(pair: Flying, proxy: Plane, revoke: Revoke) -> None:
    pair[1].script = no_content
    wire = proxy.tunnel(header=proxy.header("worker", proxy.token))
    assert wire.get().status == 204
    seen = len(pair[1].seen)
    revoke(proxy)
    expect_refusal(wire)
    assert len(pair[1].seen) == seen


@each_revocation
@pytest.mark.parametrize("begin", flights.ALL.values(), ids=flights.ALL.keys())
def test_what_is_under_way(pair: Flying, proxy: Plane, begin: Begin, revoke: Revoke) -> None:
    flight = begin(*pair, proxy.header("worker", proxy.token))
    revoke(proxy)
    rest = flight.cut_within(SECOND)
    assert rest.startswith(b"HTTP/1.1 407 ") if flight.gone is None else rest == b""


@pytest.mark.parametrize("begin", flights.ALL.values(), ids=flights.ALL.keys())
def test_a_token_expires_under_way(pair: Flying, proxy: Plane, begin: Begin) -> None:
    """No message tells that: the proxy's own clock does."""
    flight = begin(*pair, proxy.header())
    expires = int(time.time()) + 2
    with_token(proxy, ProxyToken("token-1", digest(proxy.token, proxy.key), expires))
    assert not is_closed(flight.wire)
    rest = flight.cut_within(expires - time.time() + ABOUT_A_SECOND)
    assert time.time() >= expires
    assert rest.startswith(b"HTTP/1.1 407 ") if flight.gone is None else rest == b""


def session(proxy: Plane) -> tuple[Wire, dict[str, str]]:
    """A run of the agent `worker`, and what it was told."""
    wire = proxy.plain()
    body = b'{"agent":"worker"}'
    wire.send(request("POST", "/run", proxy.header() + b"Content-Length: %d\r\n" % len(body), "localhost") + body)
    assert wire.head().status == 200
    size = int(wire.until(b"\r\n"), 16)
    return wire, json.loads(wire.take(size + 2))


@pytest.mark.parametrize("begin", flights.ALL.values(), ids=flights.ALL.keys())
def test_a_run_is_stopped(pair: Flying, proxy: Plane, begin: Begin) -> None:
    _, told = session(proxy)
    flight = begin(*pair, proxy.header(told["token"]))
    assert proxy.plain().get(f"/run/{told['run']}", proxy.header(), "DELETE", "localhost").status == 200
    rest = flight.cut_within(SECOND)
    assert rest.startswith(b"HTTP/1.1 407 ") if flight.gone is None else rest == b""


def test_a_run_ends_and_its_tunnels_with_it(pair: Flying, proxy: Plane) -> None:
    """Its last requests come through for ten seconds; after that the stream is cut and the tunnel refuses."""
    held, told = session(proxy)
    flight = flights.events(*pair, proxy.header(told["token"]))
    pair[1].script = no_content
    tunnel = proxy.tunnel(header=proxy.header(told["token"]))
    held.close()
    assert tunnel.get().status == 204
    assert flight.cut_within(GRACE_SECONDS + ABOUT_A_SECOND) == b""
    expect_refusal(tunnel)
