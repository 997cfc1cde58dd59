"""What the answer to one exchange needs: the masker that its connector has ready, and the connector's own filter."""

from __future__ import annotations

from tameflare.core.action import Action
from tameflare.core.decision import Verdict
from tameflare.proxy import policies
from tameflare.proxy.answer_changes import AnswerChanges, FilterMaker
from tameflare.proxy.exchange import Exchange


def changes_for(exchange: Exchange) -> AnswerChanges | None:
    """What the answer to this exchange needs; None, at the cost of two tests, where it passes as it comes."""
    binding = exchange.binding
    if binding is None or not binding.alters_answers:
        return None
    changes = binding.answers(exchange.origin.host)
    if not binding.connector.filters_responses:
        return changes
    return AnswerChanges(changes.masker, changes.strict, _filter_maker(exchange))


def _filter_maker(exchange: Exchange) -> FilterMaker:
    binding, identity, request, actions = exchange.binding, exchange.identity, exchange.request, exchange.actions
    assert binding is not None
    assert identity is not None
    assert request is not None
    connector = binding.connector

    def allowed(action: Action) -> bool:
        return policies.decide_without_parameters(exchange, action).verdict is not Verdict.DENY

    return lambda content_type: connector.response_filter(request, tuple(actions or ()), allowed, content_type)
