"""What people have agreed to, and what they need not be asked about: helpers of the step `hold`."""

from __future__ import annotations

from msgspec.structs import replace

from tameflare.connectors.faults import Unreadable
from tameflare.core.approval import covering
from tameflare.core.decision import Decision, Reason, Verdict
from tameflare.core.judge import decide
from tameflare.proxy import outgoing, policies
from tameflare.proxy.exchange import Exchange
from tameflare.proxy.refusal import Refusal
from tameflare.proxy.state import ProxyState


def agreed(exchange: Exchange, decision: Decision) -> Decision | None:
    """The decision for a request that people agreed to: to this very one, or earlier to all that are like it."""
    identity, binding = exchange.identity, exchange.binding
    assert identity is not None
    assert binding is not None
    if exchange.approval:
        matched = (*decision.matched, f"approval:{exchange.approval}")
        return Decision(Verdict.ALLOW, Reason.APPROVED, "people agreed", matched, decision.would_be)
    if exchange.held:
        return None  # it takes the approval that it waits for, or that would be left for another
    run = identity.run.id if identity.run is not None else ""
    remembered = identity.gateway.compiled.config.remembered
    found = covering(remembered, identity.agent.id, run, binding.name, exchange.actions or (), exchange.time)
    if found is None:
        return None
    matched = (*decision.matched, f"remembered:{found.id}")
    return Decision(Verdict.ALLOW, Reason.REMEMBERED, "people agreed to such requests", matched, decision.would_be)


def take_as_preparation(exchange: Exchange, proxy: ProxyState) -> Decision | None:
    """The decision that lets a request through which only prepares another: people are asked when that one comes.

    The exchange then has the actions of what the request does by itself, which rules must allow, and the body that was
    received; without a decision it is left as it is. The whole body is known here.
    """
    identity, binding, request = exchange.identity, exchange.binding, exchange.request
    assert identity is not None
    assert binding is not None
    assert request is not None
    actions = binding.connector.preparation(replace(request, body=exchange.received))
    if not actions:
        return None
    known = policies.circumstances(exchange, actions, proxy.clock)
    if known is None:
        return None
    decision = decide(identity.gateway.compiled, identity.agent, binding.compiled, actions, known)
    if not decision.allowed:
        return None
    exchange.actions = actions
    if exchange.body is None:
        exchange.body = exchange.received
    return decision


def unfit(exchange: Exchange) -> Refusal | None:
    """Why a request could not go even if people agreed: they need not be asked. Its whole body is known here."""
    if exchange.body is None and exchange.received is not None:
        exchange.body = exchange.received
        _read_more(exchange)
    flags = exchange.flags
    refusal = outgoing.prepare(exchange)
    exchange.flags, exchange.outgoing = flags, b""
    return refusal


def _read_more(exchange: Exchange) -> None:
    """Parameters from a body that the decision did not need, for people to see; the head has named the actions."""
    binding, request = exchange.binding, exchange.request
    assert binding is not None
    assert request is not None
    request.body = exchange.received
    try:
        found = binding.connector.name(request)
    except Unreadable:
        return  # people are told that they do not see it
    if {action.type for action in found} == {action.type for action in exchange.actions or ()}:
        exchange.actions = found


def too_large_to_hold(proxy: ProxyState) -> Refusal:
    """A body that would have to be kept in memory while people are asked."""
    message = f"the body is over {proxy.limits.max_held_body} bytes and would have to wait for people"
    return Refusal(Reason.BODY_TOO_LARGE_TO_HOLD, message)
