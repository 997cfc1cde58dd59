"""What the proxy knows of itself as a whole: for `/health`, and for what `/metrics` reads when it is asked."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from tameflare.proxy.context import Context
from tameflare.proxy.feed import Feed
from tameflare.proxy.front import Front
from tameflare.proxy.local_switch import LocalSwitches
from tameflare.proxy.shipping import Shipping
from tameflare.proxy.spool import Spool


class Health:
    """`clock` gives Unix seconds."""

    def __init__(
        self,
        context: Context,
        feed: Feed,
        spool: Spool,
        shipping: Shipping,
        switches: LocalSwitches,
        front: Front,
        clock: Callable[[], float],
    ) -> None:
        self._context = context
        self._feed = feed
        self._spool = spool
        self._shipping = shipping
        self._switches = switches
        self._front = front
        self._clock = clock

    def report(self) -> dict[str, Any]:
        """What `/health` tells; ages in seconds."""
        served = self._context.state.served
        age = self._age()
        problems = self._problems()
        return {
            "status": "ok" if served is not None and not problems else "degraded",
            "configuration": {
                "version": self._feed.version,
                "age_seconds": None if age == float("inf") else round(age),
            },
            "levels": {} if served is None else {g.compiled.name: g.compiled.level for g in served.gateways.values()},
            "kill_switch": self._killed(),
            "local_kill_switches": [switch.scope for switch in self._switches.on],
            "connections": len(self._context.connections),
            "spool": {"bytes": self._spool.backlog_bytes, "waiting_bytes": self._shipping.waiting_bytes},
            "problems": problems,
        }

    def _problems(self) -> list[str]:
        parts = (self._feed, self._spool, self._shipping, self._switches, self._front)
        return [part.problem for part in parts if part.problem]

    def _age(self) -> float:
        return self._feed.age(self._clock())

    def _killed(self) -> bool:
        compiled = self._context.state.compiled
        return bool(self._switches.on) or (compiled is not None and compiled.killed)

    # --- for /metrics

    def watch(self) -> None:
        """Have the metrics show it."""
        self._watch_parts()
        self._watch_limits()

    def _watch_parts(self) -> None:
        context, metrics, spool = self._context, self._context.metrics, self._spool
        metrics.gauge("config_age_seconds", "Since the last word of the control plane.", self._age)
        metrics.gauge("config_version", "Version being served.", lambda: self._feed.version)
        metrics.gauge("spool_bytes", "Records on disk that wait for delivery.", lambda: spool.backlog_bytes)
        metrics.counter("records", "Records that reached the spool.", lambda: spool.sequence)
        metrics.counter("records_refused", "Records that could not be written.", lambda: spool.refused)
        metrics.gauge("active_connections", "Agents' connections.", lambda: len(context.connections))
        metrics.gauge("approvals_pending", "Requests that wait for people.", lambda: len(context.holds))
        metrics.counter("listener_tls_failed", "Handshakes that failed at the listener.", lambda: self._front.failed)
        metrics.gauge("kill_switch_active", "Whether any scope is on.", lambda: float(self._killed()))

    def _watch_limits(self) -> None:
        """How near the limits are, and what they have stopped."""
        metrics, admission, allowances = self._context.metrics, self._context.admission, self._context.allowances
        metrics.gauge("connections_max", "Connections that may be open.", lambda: admission.most)
        metrics.gauge("unauthenticated_connections", "Connections without a token.", lambda: admission.strangers)
        metrics.gauge("buffered_bytes", "Bodies kept in memory.", lambda: allowances.buffered)
        metrics.counter("connections_turned_away", "Over TF_MAX_CONNECTIONS.", lambda: admission.turned_away)
        metrics.counter("connections_evicted", "Cut for having shown no token.", lambda: admission.evicted)
        metrics.counter("agent_limit_tunnels", "Over TF_MAX_TUNNELS.", lambda: allowances.refused["tunnels"])
        metrics.counter("agent_limit_buffered", "Over TF_MAX_BUFFERED.", lambda: allowances.refused["buffered"])
        metrics.counter("agent_limit_held", "Over TF_MAX_HELD_REQUESTS.", lambda: allowances.refused["held"])
