"""One request's story, step by step. Read `STEPS` and then the functions in their order.

`advance` is synchronous: it works on one immutable version of the configuration and on what has been read so far, and
says what must happen next. Reading bodies, dialling and streaming are the business of conversation.py and relay.py.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from enum import Enum
from typing import Final

import msgspec
import structlog

from tameflare.connectors.faults import Unreadable
from tameflare.connectors.request import HttpRequest
from tameflare.core.action import Action
from tameflare.core.approval import covering
from tameflare.core.decision import Decision, EnforcementLevel, Reason, Verdict
from tameflare.core.judge import at_level, decide, judge, stop
from tameflare.core.ratelimit import RateWindow
from tameflare.proxy import outgoing
from tameflare.proxy.identity import Identity
from tameflare.proxy.origin import Origin
from tameflare.proxy.refusal import Refusal, refused
from tameflare.proxy.routing import Binding
from tameflare.proxy.state import ProxyState
from tameflare.wire.heads import RequestHead
from tameflare.wire.target import TargetFault, parse_target

log = structlog.get_logger(__name__)

_UNNAMED: Final[tuple[Action, ...]] = ()


class Next(Enum):
    """What `advance` asks for when nothing was refused."""

    FORWARD = "forward"
    BODY = "body"
    HELD_BODY = "held_body"
    HOLD = "hold"


class Exchange(msgspec.Struct):
    """What is known of one request so far. `time` is when it came in Unix seconds; other times are of the monotonic
    clock, in seconds.

    `waited` is time that was not ours: reading a body, dialling, people. `received` is the body as it came, once it was
    read whole; `body` what goes on in its place. `misplaced` is why it leads nowhere, if so. `held` says that it was
    judged, and counted, before; `approval` is the one that it waited for.
    """

    request_id: str
    head: RequestHead
    origin: Origin
    target: str
    identity: Identity | None
    time: float
    arrived: float
    bytes_in: int
    waited: float = 0.0
    step: int = 0
    path: str = ""
    query: str = ""
    outgoing: bytes = b""
    received: bytes | None = None
    body: bytes | None = None
    held: bool = False
    approval: str = ""
    binding: Binding | None = None
    request: HttpRequest | None = None
    actions: Sequence[Action] | None = None
    decision: Decision | None = None
    misplaced: Refusal | None = None
    window: RateWindow | None = None
    flags: tuple[str, ...] = ()

    @property
    def has_body(self) -> bool:
        return self.head.chunked or bool(self.head.content_length)


Outcome = Next | Refusal


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
    decision = decide(identity.gateway.compiled, binding.compiled, exchange.actions or _UNNAMED)
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
    if exchange.body is not None:
        request.body = exchange.body
        return None
    classified = binding.connector.classify(request)
    if not classified.needs_body:
        exchange.actions = classified.actions
        return None
    if not exchange.has_body:
        request.body = exchange.body = b""
        return None
    if exchange.received is not None:
        request.body = exchange.body = exchange.received
        return None
    if (exchange.head.content_length or 0) > proxy.limits.max_body:
        return body_too_large(exchange, proxy)
    return Next.BODY


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


def permit(exchange: Exchange, proxy: ProxyState) -> Refusal | None:
    """The judge decides: access rules and level; for what waited for a body, kill switch and rate once more."""
    identity, binding, window = exchange.identity, exchange.binding, exchange.window
    assert identity is not None
    assert window is not None
    decision = exchange.decision
    if decision is None:
        assert binding is not None
        gateway, actions = identity.gateway.compiled, exchange.actions or _UNNAMED
        if exchange.body is None:
            decision = decide(gateway, binding.compiled, actions)
        else:
            used = 0 if exchange.held else window.advance(proxy.tick())
            decision = judge(gateway, identity.agent, binding.compiled, actions, used)
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
    agreed = _agreed(exchange, decision)
    if agreed is not None:
        exchange.decision = agreed
        return None
    if exchange.has_body and exchange.received is None:
        if (exchange.head.content_length or 0) > proxy.limits.max_held_body:
            return too_large_to_hold(proxy)
        return Next.HELD_BODY
    return _unfit(exchange) or Next.HOLD


def _agreed(exchange: Exchange, decision: Decision) -> Decision | None:
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


def _unfit(exchange: Exchange) -> Refusal | None:
    """Why a request could not go even if people agreed: they need not be asked. Its whole body is known here."""
    if exchange.body is None and exchange.received is not None:
        exchange.body = exchange.received
        _read_more(exchange)
    flags = exchange.flags
    unfit = outgoing.prepare(exchange)
    exchange.flags, exchange.outgoing = flags, b""
    return unfit


def _read_more(exchange: Exchange) -> None:
    """Parameters from a body that the decision did not need, for people to see; the head has named the actions."""
    binding, request = exchange.binding, exchange.request
    assert binding is not None
    assert request is not None
    request.body = exchange.received
    try:
        found = binding.connector.name(request)
    except Unreadable:
        return  # people see the body's size and digest
    if [action.type for action in found] == [action.type for action in exchange.actions or ()]:
        exchange.actions = found


def too_large_to_hold(proxy: ProxyState) -> Refusal:
    """A body that would have to be kept in memory while people are asked."""
    message = f"the body is over {proxy.limits.max_held_body} bytes and would have to wait for people"
    return Refusal(Reason.BODY_TOO_LARGE_TO_HOLD, message)


def inject(exchange: Exchange, _: ProxyState) -> Refusal | None:
    """Write the head anew: the agent's authentication out, ours in."""
    return outgoing.prepare(exchange)


Step = Callable[[Exchange, ProxyState], Outcome | None]
STEPS: Final[tuple[Step, ...]] = (identify, locate, limit, read, name, permit, hold, inject)
