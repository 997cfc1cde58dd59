"""One request's story, step by step. Read `STEPS` and then the functions in their order.

`advance` is synchronous: it works on one immutable version of the configuration and on what has been read so far, and
says what must happen next. Reading bodies, asking people, dialling and streaming are the business of conversation.py,
holds.py and relay.py.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

import structlog

from tameflare.connectors.faults import Unreadable
from tameflare.connectors.request import HttpRequest
from tameflare.core.action import Action
from tameflare.core.decision import Decision, EnforcementLevel, Reason, Verdict
from tameflare.core.judge import at_level, decide, judge, stop
from tameflare.proxy import consent, outgoing, policies
from tameflare.proxy.exchange import Exchange, Next, Outcome
from tameflare.proxy.identity import Identity
from tameflare.proxy.refusal import Refusal, refused
from tameflare.proxy.state import ProxyState
from tameflare.wire.target import TargetFault, parse_target

log = structlog.get_logger(__name__)

_UNNAMED: Final[tuple[Action, ...]] = ()


def advance(exchange: Exchange, proxy: ProxyState) -> Outcome:
    """Walk the steps as far as they go. Whatever goes wrong in one of them ends in a denial."""
    try:
        for step in STEPS[exchange.step :] if exchange.step else STEPS:
            outcome = step(exchange, proxy)
            if outcome is not None:
                exchange.step = STEPS.index(step)
                return outcome
    except Exception:
        log.exception("a step failed", request_id=exchange.request_id)
        return Refusal(Reason.INTERNAL_ERROR, "the proxy could not decide", close=True)
    return Next.FORWARD


def preview(exchange: Exchange, proxy: ProxyState) -> Refusal | None:
    """Whether the steps up to the decision refuse; only a refusal counts towards the rate."""
    for step in (identify, locate, limit, read, name):
        outcome = step(exchange, proxy)
        if isinstance(outcome, Refusal):
            return outcome
    identity, binding = exchange.identity, exchange.binding
    assert identity is not None
    assert binding is not None
    actions = exchange.actions or _UNNAMED
    known = policies.circumstances(exchange, actions, proxy.clock)
    if known is None:
        return _undecidable(exchange, proxy, Reason.BODY_UNREADABLE, policies.UNREADABLE)
    decision = decide(identity.gateway.compiled, identity.agent, binding.compiled, actions, known)
    if decision.allowed:
        return None
    proxy.window(identity.agent.id).charge()
    return refused(decision)


# --- the steps --------------------------------------------------------------------------------------------------------


def identify(exchange: Exchange, proxy: ProxyState) -> Refusal | None:
    """The token, the run and the agent must hold now, not only when the tunnel was opened."""
    identity = exchange.identity
    if proxy.served is None:
        return Refusal(Reason.CONFIGURATION_STALE, "the control plane has not given this proxy a configuration yet")
    if identity is None or not identity.is_valid(proxy.served, exchange.time):
        revoked = identity is not None  # who has not proved anything yet may try again on this connection
        return Refusal(Reason.UNAUTHENTICATED, "the proxy token, run or agent is not valid", close=revoked)
    if proxy.stale:
        return Refusal(Reason.CONFIGURATION_STALE, "the configuration is older than TF_CONFIG_MAX_AGE allows")
    return None


def locate(exchange: Exchange, _: ProxyState) -> None:
    """Host, SNI and `Host` must agree; host and port choose a connector of the gateway.

    What leads nowhere is refused by the next step, so that it counts towards the rate as well.
    """
    origin = exchange.origin
    if not origin.agrees(exchange.head.host):
        exchange.misplaced = Refusal(Reason.HOST_MISMATCH, f"`Host` is not `{origin.host}`", close=True)
        return
    try:
        target = parse_target(exchange.target)
    except TargetFault as fault:
        exchange.misplaced = Refusal(Reason.PATH_AMBIGUOUS, fault.message)
        return
    exchange.path, exchange.query = target.path, target.query
    exchange.misplaced = _bind(exchange)


def _bind(exchange: Exchange) -> Refusal | None:
    identity, origin = exchange.identity, exchange.origin
    assert identity is not None
    found = origin.bindings(identity.gateway)
    if not found:
        return _unbound(exchange, identity)
    binding = found[0] if len(found) == 1 else outgoing.choose(found, exchange.head)
    if binding is None:
        return Refusal(Reason.CREDENTIAL_AMBIGUOUS, f"several connectors serve `{origin.host}`")
    exchange.binding = binding
    exchange.request = HttpRequest(
        exchange.head.method,
        origin.scheme,
        origin.host,
        origin.port,
        exchange.path,
        exchange.query,
        exchange.head.headers,
        None,
    )
    return None


def _unbound(exchange: Exchange, identity: Identity) -> Refusal | None:
    origin = exchange.origin
    if origin.scheme == "http" and identity.gateway.covers(origin.host):
        return Refusal(Reason.PLAINTEXT_REFUSED, f"`{origin.host}` may only be reached by https")
    message = f"no connector of gateway `{identity.gateway.compiled.name}` serves `{origin.name}`"
    if identity.gateway.compiled.level is not EnforcementLevel.MONITOR:
        return Refusal(Reason.NO_CONNECTOR, message)
    exchange.actions = _UNNAMED
    exchange.decision = Decision(Verdict.ALLOW, Reason.MONITORED, message, would_be=Verdict.DENY, warned=True)
    return None


def limit(exchange: Exchange, proxy: ProxyState) -> Refusal | None:
    """Kill switch and rate come before any body is read."""
    identity, binding = exchange.identity, exchange.binding
    assert identity is not None
    window = exchange.window = proxy.window(identity.agent.id)
    used = 0 if exchange.held else window.advance(exchange.arrived)
    gateway = identity.gateway.compiled
    stopped = stop(gateway, identity.agent, binding.compiled if binding is not None else None, used)
    if stopped is None:
        if exchange.misplaced is not None:
            window.charge()
        return exchange.misplaced
    limited = stopped.reason is Reason.RATE_LIMITED
    return refused(stopped, window.retry_after(gateway.rate_limit) if limited else 0)


def read(exchange: Exchange, proxy: ProxyState) -> Outcome | None:
    """Name what the head tells; ask for the body only where naming needs it."""
    binding, request = exchange.binding, exchange.request
    if binding is None or request is None or exchange.decision is not None:
        return None
    if exchange.body is not None or exchange.beginning is not None:
        request.body = exchange.body or exchange.beginning
        if exchange.body is None and not binding.connector.is_enough(exchange.beginning or b""):
            message = "the configuration changed while the body was read"  # to a connector that reads all of it
            return Refusal(Reason.CONFIGURATION_STALE, message)
        return None
    classified = binding.connector.classify(request)
    wanted = Next.BODY if classified.needs_body else policies.need(exchange, classified.actions)
    if wanted is None:
        exchange.actions = classified.actions
        return None
    if not exchange.has_body:
        request.body = exchange.body = b""
        return None
    if exchange.received is not None:
        request.body = exchange.body = exchange.received
        return None
    if wanted is Next.BODY and (exchange.head.content_length or 0) > proxy.limits.max_body:
        return body_too_large(exchange, proxy)
    return wanted


def body_too_large(exchange: Exchange, proxy: ProxyState) -> Refusal | None:
    """A body that must be judged and is over the limit: only `monitor` lets it through."""
    message = f"the body is over {proxy.limits.max_body} bytes and the decision needs it"
    return _undecidable(exchange, proxy, Reason.BODY_TOO_LARGE, message)


def name(exchange: Exchange, proxy: ProxyState) -> Refusal | None:
    """Every action that the request stands for."""
    if exchange.actions is not None or exchange.decision is not None:
        return None
    binding, request = exchange.binding, exchange.request
    assert binding is not None
    assert request is not None
    try:
        exchange.actions = binding.connector.name(request)
        rewritten = binding.connector.rewrite(request)
    except Unreadable as fault:
        return _undecidable(exchange, proxy, Reason.BODY_UNREADABLE, str(fault))
    if rewritten is not None:
        exchange.body = rewritten
    return None


def _undecidable(exchange: Exchange, proxy: ProxyState, reason: Reason, message: str) -> Refusal | None:
    assert exchange.identity is not None
    decision = at_level(exchange.identity.gateway.compiled.level, Decision(Verdict.DENY, reason, message))
    exchange.actions = exchange.actions or _UNNAMED
    if not decision.allowed:
        proxy.window(exchange.identity.agent.id).charge()
        return refused(decision)
    exchange.decision = decision
    return None


def reserve(exchange: Exchange, proxy: ProxyState) -> Outcome | None:
    """Where a rule compares running totals, what the request counts for is reserved before it is judged; whoever comes
    after it sees it. Its body is kept meanwhile."""
    if exchange.sums is not None or exchange.decision is not None:
        return None
    exchange.adds = policies.adds(exchange)
    if all(amount.is_nan() for amount in exchange.adds.values()):
        exchange.sums = exchange.adds  # nothing, or nothing that could be added up
        return None
    if exchange.has_body and exchange.received is None:
        if (exchange.head.content_length or 0) > proxy.limits.max_held_body:
            return consent.too_large_to_hold(proxy)
        return Next.HELD_BODY
    return Next.RESERVE


def permit(exchange: Exchange, proxy: ProxyState) -> Refusal | None:
    """The judge decides: access rules, policies, level; for what waited for a body, kill switch and rate once more."""
    identity, binding, window = exchange.identity, exchange.binding, exchange.window
    assert identity is not None
    assert window is not None
    decision = exchange.decision
    if decision is None:
        assert binding is not None
        gateway, actions = identity.gateway.compiled, exchange.actions or _UNNAMED
        known = policies.circumstances(exchange, actions, proxy.clock)
        if known is None:
            return _undecidable(exchange, proxy, Reason.BODY_UNREADABLE, policies.UNREADABLE)
        if exchange.body is None and exchange.beginning is None:
            decision = decide(gateway, identity.agent, binding.compiled, actions, known)
        else:
            used = 0 if exchange.held else window.advance(proxy.tick())
            decision = judge(gateway, identity.agent, binding.compiled, actions, used, known)
        exchange.decision = decision
    if decision.charge_rate and not exchange.held:
        window.charge()
    return refused(decision) if decision.verdict is Verdict.DENY else None


def hold(exchange: Exchange, proxy: ProxyState) -> Outcome | None:
    """What people must agree to waits for them, with its whole body, unless they have agreed."""
    decision, request = exchange.decision, exchange.request
    assert decision is not None
    if decision.verdict is Verdict.ALLOW:
        return None
    assert request is not None
    agreed = consent.agreed(exchange, decision)
    if agreed is not None:
        exchange.decision = agreed
        return None
    if exchange.has_body and exchange.received is None:
        if (exchange.head.content_length or 0) > proxy.limits.max_held_body:
            return consent.too_large_to_hold(proxy)
        return Next.HELD_BODY
    preparation = consent.take_as_preparation(exchange, proxy)
    if preparation is not None:
        exchange.decision = preparation
        return None
    return consent.unfit(exchange) or Next.HOLD


def inject(exchange: Exchange, _: ProxyState) -> Refusal | None:
    """Write the head anew: the agent's authentication out, ours in. A body that was read whole goes with it, also where
    the decision did not need it in the end."""
    if exchange.body is None:
        exchange.body = exchange.received
    return outgoing.prepare(exchange)


Step = Callable[[Exchange, ProxyState], Outcome | None]
STEPS: Final[tuple[Step, ...]] = (identify, locate, limit, read, name, reserve, permit, hold, inject)
