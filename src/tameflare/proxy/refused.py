"""What is counted and recorded of a request that was refused before anything was let through."""

from __future__ import annotations

from typing import Final

import structlog

from tameflare.core.decision import Reason
from tameflare.proxy import records
from tameflare.proxy.context import Context
from tameflare.proxy.exchange import Exchange
from tameflare.proxy.refusal import Refusal

log = structlog.get_logger(__name__)

LIMITED: Final = frozenset((Reason.RATE_LIMITED, Reason.AGENT_LIMIT))
"""Refusals that an agent can have without end."""


def note(context: Context, exchange: Exchange, refusal: Refusal, size: int) -> None:
    """Put it on record; `size` is that of the answer, in bytes."""
    metrics, identity = context.metrics, exchange.identity
    if exchange.reserved:
        context.totals.release(exchange.request_id)
    overhead = context.state.tick() - exchange.arrived - exchange.waited
    metrics.requests["deny"] += 1
    metrics.denied[refusal.reason.value] += 1
    metrics.overhead.observe(overhead)
    if refusal.reason is Reason.RATE_LIMITED:
        metrics.rate_limit_hits += 1
    if identity is None:
        log.warning("request refused", reason=refusal.reason.value, origin=exchange.origin.name)
        return
    limited = refusal.reason in LIMITED
    if not limited or context.state.records_limited(identity.agent.id, identity.gateway.compiled.rate_limit):
        context.outbox.note(records.of_refusal(exchange, context.state, refusal, int(overhead * 1e6), size))
    if identity.run is not None:
        identity.run.denied += 1
        identity.run.limited += limited
