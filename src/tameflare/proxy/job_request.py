"""From a job to the request that carries it out: built by the connector, read back by it, and judged like any other.

What is judged is what is sent: the request that was built goes through the parser and the connector's naming, as if an
agent had sent it, and must be named as what was asked for. What the asked action says beside is kept for policies.
"""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal
from typing import Final

import tameflare
from tameflare.connectors.base import HttpCall
from tameflare.connectors.carrying import call_for
from tameflare.connectors.faults import Unreadable
from tameflare.connectors.request import HttpRequest
from tameflare.connectors.spoken import carried_as
from tameflare.core.action import Action
from tameflare.core.config import CredentialMode, ProxyToken
from tameflare.core.decision import Decision, Reason, Verdict
from tameflare.core.errors import InvalidValue
from tameflare.core.judge import decide
from tameflare.core.policy.model import Total
from tameflare.core.totals import Account, key
from tameflare.link.executions import Job
from tameflare.proxy import policies, steps
from tameflare.proxy.exchange import Exchange, Next
from tameflare.proxy.identity import Identity
from tameflare.proxy.origin import Origin
from tameflare.proxy.refusal import Refusal, refused
from tameflare.proxy.routing import Binding
from tameflare.proxy.state import ProxyState
from tameflare.wire.heads import HeadFault, RequestHeads
from tameflare.wire.target import DEFAULT_PORT, TargetFault, normalise_host, parse_target

FLAG: Final = "execute"
"""How records tell it from a request that came through the proxy."""
_NO_TOKEN: Final = ProxyToken("", "")
_WITHOUT_BODY: Final = frozenset({"GET", "HEAD", "DELETE"})
_JUDGED: Final = steps.STEPS.index(steps.limit)


def prepare(job: Job, request_id: str, state: ProxyState) -> Exchange | Refusal:
    """The exchange, judged on the configuration of now and ready to be sent, or why it must not be."""
    placed = _place(job, state)
    if isinstance(placed, Refusal):
        return placed
    identity, binding = placed
    action = carried_as(job.type, job.resource, job.parameters)
    try:
        call = call_for(binding.connector, action)
        exchange = _exchange(call, request_id, identity, binding, state)
    except (InvalidValue, TargetFault) as fault:
        return Refusal(Reason.BAD_REQUEST, fault.message)
    if isinstance(exchange, Refusal):
        return exchange
    sent = steps.identify(exchange, state) or _named(exchange, action)
    if isinstance(sent, Refusal):
        return sent
    judged = _judged(exchange, job, state)
    return judged if isinstance(judged, Refusal) else _refused_alone(judged, sent, job, state) or judged


def _place(job: Job, state: ProxyState) -> tuple[Identity, Binding] | Refusal:
    """On whose behalf, and by which connector."""
    served = state.served
    if served is None or served.version < job.configuration:
        return Refusal(Reason.CONFIGURATION_STALE, "the proxy has not yet applied the configuration that decided this")
    gateway = served.gateways.get(job.gateway)
    agent = gateway.compiled.agents_by_id.get(job.agent) if gateway is not None else None
    if gateway is None or agent is None:
        return Refusal(Reason.UNAUTHENTICATED, "the gateway has no such agent any more")
    binding = next((found for found in gateway.bindings if found.name == job.connector), None)
    if binding is None or binding.connector.is_tunnel:
        return Refusal(Reason.NO_CONNECTOR, f"no connector `{job.connector}` carries out `{job.type}`")
    if binding.mode is CredentialMode.PASSTHROUGH:
        return Refusal(
            Reason.CREDENTIAL_MISSING, f"connector `{binding.name}` passes on what agents send, and has no key"
        )
    return Identity(served, gateway, agent, None, _NO_TOKEN), binding


def _exchange(
    call: HttpCall, request_id: str, identity: Identity, binding: Binding, state: ProxyState
) -> Exchange | Refusal:
    """The request as it would have come. Raises TargetFault and InvalidValue."""
    scheme, port = _way(binding)
    if normalise_host(call.host) != call.host:
        return Refusal(Reason.BAD_REQUEST, f"`{call.host[:64]}` is no host as it is written in a request")
    if binding not in identity.gateway.locate(scheme, call.host, port):
        return Refusal(Reason.NO_CONNECTOR, f"connector `{binding.name}` does not name `{call.host}`")
    origin = Origin(scheme, call.host, port)
    target = parse_target(f"{call.path}?{call.query}" if call.query else call.path)
    head = RequestHeads().parse(_head(call, origin, target.path, target.query))
    if isinstance(head, HeadFault):
        return Refusal(Reason.BAD_REQUEST, head.message)
    body = call.body if head.content_length is not None else None
    exchange = Exchange(
        request_id, head, origin, head.target, identity, state.clock(), state.tick(), len(call.body), once=True
    )
    exchange.path, exchange.query, exchange.binding = target.path, target.query, binding
    exchange.received = exchange.body = body
    exchange.held, exchange.flags, exchange.step = True, (FLAG,), _JUDGED
    exchange.request = HttpRequest(
        head.method, scheme, call.host, port, target.path, target.query, head.headers, call.body
    )
    return exchange


def _way(binding: Binding) -> tuple[str, int]:
    """https on the connector's first port; plain http where it allows that on port 80 and names no other."""
    config = binding.compiled.config
    if config.allow_plaintext and config.ports == (DEFAULT_PORT["http"],):
        return "http", DEFAULT_PORT["http"]
    return "https", config.ports[0] if config.ports else DEFAULT_PORT["https"]


def _head(call: HttpCall, origin: Origin, path: str, query: str) -> bytes:
    lines = [
        f"{call.method} {path}{'?' if query else ''}{query} HTTP/1.1",
        f"Host: {origin.authority}",
        f"User-Agent: TameFlare/{tameflare.__version__}",
        *(f"{name}: {value}" for name, value in call.headers),
    ]
    if not any(name.lower() == "accept" for name, _ in call.headers):
        lines.append("Accept: */*")
    if call.body or call.method not in _WITHOUT_BODY:
        lines += [f"Content-Type: {call.content_type}"] if call.content_type else []
        lines.append(f"Content-Length: {len(call.body)}")
    return "\r\n".join((*lines, "", "")).encode("latin-1")


def _named(exchange: Exchange, action: Action) -> Sequence[Action] | Refusal:
    """What the request that was built is named as. It must be what was asked for, and may be more."""
    binding, request = exchange.binding, exchange.request
    assert binding is not None
    assert request is not None
    try:
        found = binding.connector.name(request)
        rewritten = binding.connector.rewrite(request)
    except Unreadable as fault:
        return Refusal(Reason.BODY_UNREADABLE, str(fault))
    if action.type not in {each.type for each in found}:
        names = ", ".join(f"`{each.type}`" for each in found)
        return Refusal(Reason.ENGINE_ERROR, f"the request for `{action.type}` would be {names}")
    exchange.actions = _with_what_was_said(found, action)
    if rewritten is not None:
        exchange.body = exchange.received = rewritten
    return found


def _with_what_was_said(found: Sequence[Action], action: Action) -> tuple[Action, ...]:
    """The actions with fields that only the asked one has, such as `resource.environment`; what is sent wins."""
    return tuple(
        Action(
            each.type,
            {**action.resource, **each.resource},
            {**action.parameters, **each.parameters},
            each.risk,
            each.effect,
        )
        for each in found
    )


def _judged(exchange: Exchange, job: Job, state: ProxyState) -> Exchange | Refusal:
    """Kill switch, rules, policies; and what people have agreed to must cover what they would be asked today."""
    outcome = steps.advance(exchange, state)
    if outcome is Next.RESERVE:
        exchange.sums = _sums(exchange, job)
        outcome = steps.advance(exchange, state)
    if outcome is Next.HOLD and exchange.decision is not None and _covers(job, exchange.decision):
        exchange.approval = job.approval
        outcome = steps.advance(exchange, state)
    elif outcome is Next.HOLD:
        exchange.held = False  # they may have agreed to all that is like it
        outcome = steps.advance(exchange, state)
    if outcome is Next.FORWARD:
        return exchange
    if isinstance(outcome, Refusal):
        return outcome
    return Refusal(Reason.APPROVAL_REQUIRED, "people would have to agree to what they were not asked")


def _refused_alone(exchange: Exchange, sent: Sequence[Action], job: Job, state: ProxyState) -> Refusal | None:
    """What is sent must stand by itself too: what was said beside it and is not sent makes it no better."""
    identity, binding = exchange.identity, exchange.binding
    assert identity is not None
    assert binding is not None
    known = policies.circumstances(exchange, sent, state.clock)
    if known is None:
        return Refusal(Reason.BODY_UNREADABLE, policies.UNREADABLE)
    decision = decide(identity.gateway.compiled, identity.agent, binding.compiled, sent, known)
    if decision.verdict is Verdict.DENY:
        return refused(decision)
    if decision.requirement is not None and not _agreed(exchange, job, decision):
        return Refusal(Reason.APPROVAL_REQUIRED, "people would have to agree to what they were not asked")
    return None


def _agreed(exchange: Exchange, job: Job, decision: Decision) -> bool:
    """Whether people agreed to this very action, or to all that is like it."""
    if exchange.approval:
        return _covers(job, decision)
    return exchange.decision is not None and exchange.decision.reason is Reason.REMEMBERED


def _sums(exchange: Exchange, job: Job) -> dict[Total, Decimal]:
    """It was counted when it was decided. What it would add now and did not then has no sum, and is refused."""
    identity, binding = exchange.identity, exchange.binding
    assert identity is not None
    assert binding is not None
    account = Account(identity.gateway.compiled.id, identity.agent.id, binding.name)
    counted = {total: (amount, job.counted.get(key(total, account))) for total, amount in (exchange.adds or {}).items()}
    return {total: known[1] for total, (amount, known) in counted.items() if known is not None and known[0] == amount}


def _covers(job: Job, decision: Decision) -> bool:
    """Whether what people agreed to is all that is asked of them today."""
    if job.agreed is None or decision.requirement is None:
        return False
    return set(decision.requirement.parts) <= set(job.agreed.parts)
