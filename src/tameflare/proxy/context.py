"""What a conversation needs beside the state that requests are judged by: where records, connections and counts go."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Protocol

from tameflare.core.addresses import AddressGuard
from tameflare.proxy.admission import Admission
from tameflare.proxy.allowance import Allowances
from tameflare.proxy.ca import CertificateAuthority
from tameflare.proxy.dialer import Dialer, Waiter
from tameflare.proxy.exchange import Exchange
from tameflare.proxy.holds import Holds
from tameflare.proxy.identity import Authenticator
from tameflare.proxy.metrics import Metrics
from tameflare.proxy.outbox import Outbox
from tameflare.proxy.passage import Passage
from tameflare.proxy.pool import Pool
from tameflare.proxy.runs import Runs
from tameflare.proxy.state import ProxyState
from tameflare.proxy.tasks import Tasks
from tameflare.proxy.totals import Totals
from tameflare.proxy.upstream import Key

_PUBLIC_ONLY = AddressGuard()


class Connection(Protocol):
    """What the sweep and the stop need of an agent's connection."""

    @property
    def idle(self) -> bool: ...

    @property
    def waits(self) -> bool: ...

    def sweep(self, now: float) -> None: ...

    def recheck(self) -> None: ...

    def close(self) -> None: ...

    def abort(self) -> None: ...

    def stop(self) -> None: ...


class OwnHosts(Protocol):
    def __contains__(self, host: str) -> bool:
        """Whether the proxy itself is reached by this host, in lower case."""


class Context:
    """Shared by all connections of the process. `soon` runs a function once in the next turn of the loop."""

    def __init__(
        self,
        state: ProxyState,
        outbox: Outbox,
        pool: Pool,
        dialer: Dialer,
        authority: CertificateAuthority,
        authenticator: Authenticator,
        runs: Runs,
        metrics: Metrics,
        tasks: Tasks,
        soon: Callable[[Callable[[], None]], object],
        health: Callable[[], dict[str, Any]],
        own_hosts: OwnHosts,
        holds: Holds,
        totals: Totals,
        passage: Passage,
    ) -> None:
        self.state = state
        self.outbox = outbox
        self.pool = pool
        self.dialer = dialer
        self.authority = authority
        self.authenticator = authenticator
        self.runs = runs
        self.metrics = metrics
        self.tasks = tasks
        self.soon = soon
        self.health = health
        self.own_hosts = own_hosts
        self.holds = holds
        self.totals = totals
        self.passage = passage
        self.stopping = False
        self.allowances = Allowances(state.limits.each_agent)
        self.admission = Admission(state.limits.max_connections, state.limits.max_unauthenticated)
        self.connections: set[Connection] = set()

    def key(self, exchange: Exchange) -> Key:
        """Which connections this request may share."""
        binding, origin = exchange.binding, exchange.origin
        return (binding.fingerprint if binding is not None else "", origin.scheme, origin.host, origin.port)

    def dial(self, key: Key, exchange: Exchange, waiter: Waiter) -> None:
        self.dialer.dial(key, exchange.origin, guard_of(exchange), waiter)


def guard_of(exchange: Exchange) -> AddressGuard:
    """Without a connector only public addresses may be reached."""
    return exchange.binding.guard if exchange.binding is not None else _PUBLIC_ONLY
