"""Refusals that are told in answer to CONNECT, or in place of a request that may not even begin."""

from __future__ import annotations

from tameflare.core.decision import Reason
from tameflare.proxy import answers, records
from tameflare.proxy.context import Context
from tameflare.proxy.exchange import Exchange
from tameflare.proxy.origin import Origin
from tameflare.proxy.refusal import Refusal
from tameflare.wire.heads import NO_FIELDS, RequestHead
from tameflare.wire.target import DEFAULT_PORT, normalise_host, parse_authority

TOO_MANY_CONNECTIONS = answers.plain(
    503, "too_many_connections", "this proxy has as many connections as it may (TF_MAX_CONNECTIONS)"
)


def tunnel_head(origin: Origin, method: str = "CONNECT") -> RequestHead:
    """The head of a request that stands for the tunnel itself."""
    return RequestHead(method, "/", 1, NO_FIELDS, origin.authority, None, False, True, False, False, None, 0)


def tunnel_origin(target: str) -> Origin:
    """Where a CONNECT leads. Raises TargetFault."""
    authority = parse_authority(target)
    return Origin("https", normalise_host(authority.host), authority.port or DEFAULT_PORT["https"])


def ignore(data: bytes) -> None:
    """What a connection says that is about to be closed."""


def without_token(context: Context, *, keep: bool) -> bytes:
    """407, with a length, so that the connection may stay open."""
    context.metrics.denied[Reason.UNAUTHENTICATED.value] += 1
    message = "the proxy token, run or agent is not valid; start the program with `tf run`"
    extra = answers.AUTHENTICATE.decode()
    return answers.plain(407, Reason.UNAUTHENTICATED.value, message, keep=keep, extra=extra)


def too_many_tunnels(context: Context) -> Refusal:
    most = context.allowances.each.tunnels
    return Refusal(Reason.AGENT_LIMIT, f"this agent has {most} connections open (TF_MAX_TUNNELS)", close=True)


def refuse(context: Context, exchange: Exchange, refusal: Refusal) -> bytes:
    """Put a refusal on record and count it; the answer, which ends the connection."""
    answer = answers.render(exchange, refusal, keep=False)
    note(context, exchange, refusal, len(answer))
    return answer


def note(context: Context, exchange: Exchange, refusal: Refusal, size: int) -> None:
    """Put a refusal on record; of those over a limit, as many a minute as the agent may have requests."""
    context.metrics.denied[refusal.reason.value] += 1
    identity = exchange.identity
    assert identity is not None
    if identity.run is not None:
        identity.run.denied += 1
    if refusal.reason is not Reason.AGENT_LIMIT or context.state.records_limited(
        identity.agent.id, identity.gateway.compiled.rate_limit
    ):
        context.outbox.note(records.of_refusal(exchange, context.state, refusal, 0, size))
