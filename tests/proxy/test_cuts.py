"""Requests in flight are cut within a second of what makes them wrong; others go on."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from tests.support.clients import Gate, reason_of, request
from tests.support.plane import CANARY, Plane, Wire
from tests.support.upstream import Talk, Upstream

from tameflare.core.config import AgentConfig, AgentStatus
from tameflare.core.killswitch import KillSwitch, ScopeKind

BOTH = (AgentConfig("agent-1", "default"), AgentConfig("agent-2", "worker"))


def switched(kind: ScopeKind, name: str = "") -> Callable[[Plane], None]:
    return lambda proxy: proxy.publish(
        proxy.gateway(), {"service": CANARY}, kill_switches=(KillSwitch(kind, name, "drill"),)
    )


def suspended(proxy: Plane) -> None:
    one, two = BOTH
    proxy.publish(proxy.gateway(agents=(one, AgentConfig(two.id, two.name, status=AgentStatus.SUSPENDED))))


def begin(proxy: Plane, upstream: Upstream, path: str, agent: str) -> tuple[Wire, Gate]:
    """A request whose answer has begun, and what opens when the upstream is let go."""
    gone = Gate()

    async def script(talk: Talk) -> None:
        await talk.head()
        await talk.say(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n6\r\nhello\n\r\n")
        await talk.gone()
        gone.open()

    upstream.script = script
    wire = proxy.tunnel(header=proxy.header(agent, proxy.token))
    wire.send(request(path=path))
    wire.until(b"hello\n\r\n")
    return wire, gone


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        (switched(ScopeKind.ALL), "kill_switch_active"),
        (switched(ScopeKind.CONNECTOR, "service"), "kill_switch_active"),
        (switched(ScopeKind.GATEWAY, "main"), "kill_switch_active"),
        (switched(ScopeKind.AGENT, "agent-2"), "kill_switch_active"),
        (suspended, "unauthenticated"),
    ],
    ids=["all", "connector", "gateway", "agent", "suspended"],
)
def test_what_may_no_longer_run_is_cut(
    proxy: Plane, upstream: Upstream, request: pytest.FixtureRequest, change: Callable[[Plane], None], reason: str
) -> None:
    path = f"/cut/{request.node.callspec.id}"
    wire, gone = begin(proxy, upstream, path, "worker")
    change(proxy)
    assert wire.rest() == b"", "no last chunk"
    gone.passed()
    assert reason_of(proxy, path) == reason


@pytest.mark.parametrize(
    "change", [switched(ScopeKind.AGENT, "agent-2"), switched(ScopeKind.CONNECTOR, "another"), suspended]
)
def test_others_go_on(proxy: Plane, upstream: Upstream, change: Callable[[Plane], None]) -> None:
    gate = Gate()

    async def script(talk: Talk) -> None:
        await talk.head()
        await talk.say(b"HTTP/1.1 200 OK\r\nContent-Length: 11\r\n\r\nhello\n")
        await gate.wait(talk)
        await talk.say(b"world")

    upstream.script = script
    wire = proxy.tunnel()
    wire.send(request())
    wire.until(b"hello\n")
    change(proxy)
    gate.open()
    assert wire.take(5) == b"world"


def test_a_switch_thrown_while_the_upstream_is_silent_is_a_cut_too(proxy: Plane, upstream: Upstream) -> None:
    begun, gone = Gate(), Gate()

    async def script(talk: Talk) -> None:
        await talk.head()
        begun.open()
        await talk.gone()
        gone.open()

    upstream.script = script
    wire = proxy.tunnel()
    wire.send(request("POST", "/cut/silent", b"Content-Length: 10\r\n") + b"half")
    begun.passed()
    switched(ScopeKind.ALL)(proxy)
    assert wire.rest() == b""
    gone.passed()
    assert reason_of(proxy, "/cut/silent") == "kill_switch_active"
