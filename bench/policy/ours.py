"""TameFlare: each rule in a policy of its own, read from YAML."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Final

from bench.policy.engine import Ask, Engine
from bench.policy.sets import Request, Rule
from tameflare.core.action import Action
from tameflare.core.config import PolicyConfig
from tameflare.core.decision import Verdict
from tameflare.core.policy.candidates import Candidates
from tameflare.core.policy.compile import PolicySet, compile_set
from tameflare.core.policy.facts import Circumstances, Facts

_PLACE: Final = ("main", "vendor", "bot", "production")
_SOURCE: Final = """\
name: policy-{number}
scope: {{environments: [production]}}
rules:
  - name: rule
    decision: deny
    conditions:
      all:
        - {{field: type, operator: equals, value: {type}}}
        - {{field: parameters.amount, operator: greater_than, value: {limit}}}
        - {{field: {field}, operator: {operator}, value: {word}}}
"""


def compiled(rules: Sequence[Rule]) -> PolicySet:
    configs = [
        PolicyConfig(f"{number} of {len(rules)}", f"policy-{number}", 1, _written(number, rule))
        for number, rule in enumerate(rules)
    ]
    found = compile_set(configs, "UTC")
    assert not found.problems
    return found


def candidates(policies: PolicySet, request: Request) -> Candidates:
    found = policies.candidates(*_PLACE, request.type)
    assert found is not None
    return found


def facts(action: Action, circumstances: Circumstances) -> Facts:
    return Facts(action, "agent-1", "bot", "production", "main", "vendor", circumstances)


def action(request: Request) -> Action:
    given = {"amount": request.amount, "currency": request.currency, "customer": request.customer}
    return Action(request.type, {}, given)


def _written(number: int, rule: Rule) -> str:
    field, operator = ("parameters.customer", "equals") if rule.told_apart else ("parameters.currency", "not_equals")
    return _SOURCE.format(
        number=number, type=rule.type, limit=rule.limit, field=field, operator=operator, word=rule.word
    )


def _load(rules: Sequence[Rule]) -> Callable[[Request], Ask]:
    policies = compiled(rules)

    def prepare(request: Request) -> Ask:
        """As the product does it: what can match in a place is kept, by agent and type."""
        kept = {("agent-1", request.type): candidates(policies, request)}
        deed, circumstances, deny = action(request), Circumstances(1.0), Verdict.DENY
        return lambda: kept["agent-1", deed.type].judge(facts(deed, circumstances)).verdict is deny

    return prepare


ENGINE: Final = Engine("TameFlare", _load)
