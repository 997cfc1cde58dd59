"""A request whose body was still coming when something changed is judged by what holds at its end."""

from __future__ import annotations

import pytest
from tests.support.plane import ALLOW_ALL, CANARY, HOST, Plane, Reply, Wire, rules
from tests.support.upstream import Upstream
from tests.support.waiting import wait_for

from tameflare.core.config import AgentConfig, AgentStatus, GatewayConfig
from tameflare.core.decision import EnforcementLevel, Verdict
from tameflare.core.killswitch import KillSwitch, ScopeKind

HEAD = f"POST / HTTP/1.1\r\nHost: {HOST}\r\nContent-Type: application/x-www-form-urlencoded\r\n".encode()
SUSPENDED = (AgentConfig("agent-1", "default", status=AgentStatus.SUSPENDED),)
DENIED = rules(("service", "http.post", Verdict.DENY))


def half_sent(proxy: Plane, body: bytes = b"a") -> Wire:
    """A request that lacks the last two bytes of its form."""
    wire = proxy.tunnel()
    wire.send(HEAD + b"Content-Length: %d\r\n\r\n%b" % (len(body) + 2, body))
    read_so_far(proxy)
    return wire


def read_so_far(proxy: Plane) -> None:
    """Wait until the proxy keeps what came of the body."""
    wait_for(lambda: proxy.metric("buffered_bytes") > 0, "the body's beginning has been read")


def ended(wire: Wire) -> Reply:
    wire.send(b"=1")
    return wire.reply()


def publish(proxy: Plane, gateway: GatewayConfig, *switches: KillSwitch) -> None:
    proxy.publish(gateway, {"service": CANARY}, kill_switches=switches)


@pytest.mark.parametrize(
    ("options", "switches", "status", "code"),
    [
        ({}, (KillSwitch(ScopeKind.ALL),), 403, "kill_switch_active"),
        ({"rules": DENIED}, (), 403, "rule_deny"),
        ({"agents": SUSPENDED}, (), 407, "unauthenticated"),
        ({"connectors_left": ()}, (), 403, "no_connector"),
    ],
    ids=["kill switch", "rule", "agent suspended", "connector gone"],
)
def test_what_changed_bites(
    proxy: Plane,
    upstream: Upstream,
    options: dict[str, object],
    switches: tuple[KillSwitch, ...],
    status: int,
    code: str,
) -> None:
    wire = half_sent(proxy)
    gone = options.pop("connectors_left", None) is not None
    gateway = proxy.gateway(**options)
    if gone:
        gateway = GatewayConfig(gateway.id, gateway.name, tokens=gateway.tokens, agents=gateway.agents)
    publish(proxy, gateway, *switches)
    reply = ended(wire)
    assert (reply.status, reply.json["code"]) == (status, code)
    assert upstream.seen == []


def test_a_change_that_does_not_matter_lets_it_through(proxy: Plane, upstream: Upstream) -> None:
    wire = half_sent(proxy)
    publish(proxy, proxy.gateway(rules=ALLOW_ALL))
    assert ended(wire).status == 200
    assert f"{CANARY}-{proxy.version}".encode() in upstream.seen[0]


def test_a_body_over_the_limit_is_not_let_through_by_a_level_of_before(proxy: Plane, upstream: Upstream) -> None:
    publish(proxy, proxy.gateway(level=EnforcementLevel.MONITOR))
    wire = proxy.tunnel()
    wire.send(HEAD + b"Transfer-Encoding: chunked\r\n\r\n1\r\na\r\n")
    read_so_far(proxy)
    publish(proxy, proxy.gateway())
    size = 1 << 20
    wire.send(b"%x\r\n%b\r\n0\r\n\r\n" % (size, b"a" * size))
    assert wire.reply().json["code"] == "configuration_stale"
    assert upstream.seen == []
