"""A decision explained: the access rule, the policies in whose scope the action is, what each of their rules says."""

from __future__ import annotations

from typing import Any

from tameflare.control.services.action_judging import Judging, Place
from tameflare.control.services.action_questions import Question
from tameflare.control.services.action_totals import Sums
from tameflare.core.action import Action
from tameflare.core.compile import CompiledConnector
from tameflare.core.decision import STRICTNESS, Decision
from tameflare.core.judge import applicable, facts
from tameflare.core.policy.explain import Combination, Comparison, PolicyResult, RuleResult
from tameflare.core.policy.facts import Circumstances


def explain(
    judging: Judging, place: Place, question: Question, now: float, totals: Sums | None = None
) -> dict[str, Any]:
    """The JSON of a dry run; `now` in Unix seconds, `totals` the running totals that there would be. The rate, which
    would refuse it, does not refuse to explain it."""
    judged = judging.weigh(place, question, totals=totals)
    decision, action = judged.decision, judged.action
    connector = judging.find_connector(place, question)
    found = connector if isinstance(connector, CompiledConnector) else None
    return {
        "decision": decision.verdict.value,
        "would_be": decision.would_be.value,
        "enforced": STRICTNESS[decision.verdict] >= STRICTNESS[decision.would_be],
        "reason": decision.reason.value,
        "message": decision.message,
        "risk_score": judged.risk_score,
        "matched": decision.matched,
        "spec_hash": question.spec_hash,
        "action": _action(action),
        "connector": judged.connector,
        "level": place.gateway.level.value,
        "required_approvals": _required(decision),
        "access_rule": _access_rule(place, found, action),
        "policies": _policies(place, found, action, Circumstances(now, None, question.risk_hints, totals)),
    }


def _action(action: Action) -> dict[str, Any]:
    return {
        "type": action.type,
        "resource": action.resource,
        "parameters": action.parameters,
        "risk": action.risk.value,
        "effect": action.effect.value,
    }


def _required(decision: Decision) -> list[dict[str, Any]]:
    """Who would have to agree, one entry for each rule that asks."""
    if decision.requirement is None:
        return []
    return [
        {"role": part.role.value, "groups": list(part.groups), "quorum": part.quorum}
        for part in decision.requirement.parts
    ]


def _access_rule(place: Place, connector: CompiledConnector | None, action: Action) -> dict[str, Any] | None:
    """The one that holds: the most specific. None where none is written, or the gateway goes by policies alone."""
    if connector is None or place.gateway.policy_only:
        return None
    rule = connector.access.look_up(action).rule
    return None if rule is None else {"pattern": rule.pattern, "decision": rule.decision.value}


def _policies(
    place: Place, connector: CompiledConnector | None, action: Action, circumstances: Circumstances
) -> list[dict[str, Any]]:
    if connector is None:
        return []
    found = applicable(place.gateway, place.agent, connector, action.type)
    if found is None:
        return []
    explanation = found.candidates.explain(facts(place.gateway, place.agent, connector, action, circumstances))
    return [_policy(policy) for policy in explanation.policies]


def _policy(policy: PolicyResult) -> dict[str, Any]:
    return {"name": policy.name, "version": policy.version, "rules": [_rule(rule) for rule in policy.rules]}


def _rule(rule: RuleResult) -> dict[str, Any]:
    return {
        "name": rule.name,
        "result": rule.result.value,
        "decision": rule.decision.value,
        "reason": rule.reason,
        "risk_score": rule.risk_score,
        "line": rule.line,
        "condition": None if rule.condition is None else _condition(rule.condition),
    }


def _condition(condition: Comparison | Combination) -> dict[str, Any]:
    if isinstance(condition, Comparison):
        return {"result": condition.result.value, "why": condition.why, "line": condition.line}
    parts = [_condition(part) for part in condition.parts]
    return {"result": condition.result.value, "kind": condition.kind, "parts": parts}
