"""What is recorded of a request: never a body, a credential or a cookie."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from typing import Final

from tameflare.core.action import Action
from tameflare.core.decision import Decision, Verdict
from tameflare.core.redact import recorded_path
from tameflare.link.messages import Intent, RecordedAction
from tameflare.proxy.exchange import Exchange
from tameflare.proxy.identity import Identity
from tameflare.proxy.refusal import Refusal
from tameflare.proxy.state import ProxyState
from tameflare.wire.fields import Fields

_LONGEST_HEADER: Final = 256
_LONGEST_VALUE: Final = 256


def of_decision(exchange: Exchange, proxy: ProxyState) -> Intent:
    """The record of a request that is let through, before it goes."""
    decision = exchange.decision
    assert decision is not None
    return _intent(exchange, proxy, decision, decision.reason, decision.message)


def of_refusal(exchange: Exchange, proxy: ProxyState, refusal: Refusal, overhead_us: int, bytes_out: int) -> Intent:
    """The whole record of a request that was refused."""
    decision = refusal.decision or Decision(Verdict.DENY, refusal.reason, refusal.message, refusal.matched)
    return _intent(
        exchange,
        proxy,
        decision,
        refusal.reason,
        refusal.message,
        (refusal.status, overhead_us, exchange.bytes_in, bytes_out),
    )


def _intent(
    exchange: Exchange,
    proxy: ProxyState,
    decision: Decision,
    reason: str,
    message: str,
    end: tuple[int, int, int, int] | None = None,
) -> Intent:
    identity = exchange.identity
    assert identity is not None
    binding, origin, head = exchange.binding, exchange.origin, exchange.head
    gateway = identity.gateway.compiled
    content_type, user_agent = head.headers.described or _describe(head.headers)
    status, overhead_us, bytes_in, bytes_out = end or (0, 0, 0, 0)
    return Intent(
        exchange.request_id,
        exchange.time,
        gateway.id,
        identity.agent.id,
        _run(identity),
        binding.name if binding is not None else "",
        _actions(exchange.actions or (), binding.compiled.config.record if binding is not None else ()),
        head.method,
        origin.scheme,
        origin.host,
        origin.port,
        recorded_path(exchange.path or exchange.target.partition("?")[0], exchange.query, proxy.limits.sensitive_query),
        content_type,
        user_agent,
        decision.verdict,
        reason,
        message,
        decision.matched,
        decision.would_be,
        gateway.level,
        (*exchange.flags, "warned") if decision.warned else exchange.flags,
        identity.served.version,
        status,
        overhead_us,
        bytes_in,
        bytes_out,
        end is not None,
        exchange.approval,
    )


def _run(identity: Identity) -> str:
    return identity.run.id if identity.run is not None else ""


def _describe(fields: Fields) -> tuple[str, str]:
    """Content-Type and User-Agent, cut to a bounded length."""
    content_type, user_agent = (
        fields.first(name)[:_LONGEST_HEADER].decode("latin-1") for name in (b"content-type", b"user-agent")
    )
    fields.described = (content_type, user_agent)
    return fields.described


def _actions(actions: Sequence[Action], record: Sequence[str]) -> tuple[RecordedAction, ...]:
    if len(actions) == 1 and not record:
        return (_bare(actions[0].type, actions[0].risk, actions[0].effect),)
    return tuple(
        RecordedAction(action.type, action.risk, action.effect, _parameters(action, record)) for action in actions
    )


@lru_cache(4096)
def _bare(kind: str, risk: str, effect: str) -> RecordedAction:
    return RecordedAction(kind, risk, effect)


def _parameters(action: Action, record: Sequence[str]) -> dict[str, str]:
    return {name: str(action.parameters[name])[:_LONGEST_VALUE] for name in record if name in action.parameters}
