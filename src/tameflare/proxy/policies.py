"""What policies need to know of an exchange: helpers of the steps `read` and `permit`."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from decimal import Decimal
from typing import Final

from tameflare.connectors.base import BodySays
from tameflare.core.action import Action
from tameflare.core.compile import Applicable
from tameflare.core.decision import Decision
from tameflare.core.judge import adds as judge_adds
from tameflare.core.judge import applicable, by_rules_alone, judge_action
from tameflare.core.policy.facts import Circumstances, RequestFacts
from tameflare.core.policy.model import Total
from tameflare.proxy.exchange import Exchange, Next

UNREADABLE: Final = "a policy looks at fields of the body, and a body of this kind cannot be read"
_WANTED: Final = {BodySays.FIELDS: Next.BODY, BodySays.BEGINNING: Next.BEGINNING}
_NOTHING: Final = Circumstances(0.0)
_NOTHING_ADDED: Final[Mapping[Total, Decimal]] = {}


def need(exchange: Exchange, actions: Sequence[Action]) -> Next | None:
    """What must be read of the body because a rule that can match looks at parameters which only it can tell."""
    if not exchange.has_body or not _look_further(exchange, actions):
        return None
    binding, request = exchange.binding, exchange.request
    assert binding is not None
    assert request is not None
    return _WANTED.get(binding.connector.body_says(request))


def circumstances(exchange: Exchange, actions: Sequence[Action], clock: Callable[[], float]) -> Circumstances | None:
    """What is known beside the actions, at no cost where no policy can match; None where a rule looks at parameters
    that are in a body which cannot be read. The time is the clock's: a body may have taken long to come."""
    found = [found for found in (_found(exchange, action) for action in actions) if found is not None]
    if not found:
        return _NOTHING
    if _unreadable(exchange, actions):
        return None
    now = clock()
    return _told(exchange, now) if any(each.request for each in found) else Circumstances(now, totals=exchange.sums)


def adds(exchange: Exchange) -> Mapping[Total, Decimal]:
    """What the request would count for in running totals that policies compare; empty where none does."""
    identity, binding = exchange.identity, exchange.binding
    assert identity is not None
    gateway = identity.gateway.compiled
    if binding is None or not gateway.policies.sums:
        return _NOTHING_ADDED
    actions = exchange.actions or ()
    if not any(found is not None and found.sums for found in (_found(exchange, action) for action in actions)):
        return _NOTHING_ADDED
    return judge_adds(gateway, identity.agent, binding.compiled, actions, _told(exchange, exchange.time))


def decide_without_parameters(exchange: Exchange, action: Action) -> Decision:
    """The decision for an action of which only the type is known: policies that look at parameters cannot tell yet."""
    identity, binding = exchange.identity, exchange.binding
    assert identity is not None
    assert binding is not None
    gateway, found = identity.gateway.compiled, _found(exchange, action)
    if found is None or found.parameters or found.sums:
        return by_rules_alone(gateway, binding.compiled, action)
    return judge_action(gateway, identity.agent, binding.compiled, action, _told(exchange, exchange.time))


def _found(exchange: Exchange, action: Action) -> Applicable | None:
    identity, binding = exchange.identity, exchange.binding
    assert identity is not None
    assert binding is not None
    return applicable(identity.gateway.compiled, identity.agent, binding.compiled, action.type)


def _look_further(exchange: Exchange, actions: Sequence[Action]) -> bool:
    """Whether a rule looks at parameters beyond those that the path says, which nothing else can change."""
    for action in actions:
        found = _found(exchange, action)
        if found is not None and not found.parameters <= action.resource.keys():
            return True
    return False


def _unreadable(exchange: Exchange, actions: Sequence[Action]) -> bool:
    if not exchange.has_body or not _look_further(exchange, actions):
        return False
    binding, request = exchange.binding, exchange.request
    assert binding is not None
    assert request is not None
    return binding.connector.body_says(request) is BodySays.UNREADABLE


def _told(exchange: Exchange, now: float) -> Circumstances:
    head, origin = exchange.head, exchange.origin
    return Circumstances(
        now,
        RequestFacts(
            head.method,
            origin.scheme,
            origin.host,
            origin.port,
            exchange.path,
            exchange.query,
            head.headers.first(b"content-type").decode("latin-1"),
            head.headers.first(b"user-agent").decode("latin-1"),
        ),
        totals=exchange.sums,
    )
