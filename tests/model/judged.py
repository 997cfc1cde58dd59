"""What the tests of the policy engine share: sets of policies compiled, and what they say of facts."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from typing import Any

import msgspec
from tests.model.naive_judge import Said

from tameflare.core.config import PolicyConfig
from tameflare.core.policy import model
from tameflare.core.policy.candidates import Candidates
from tameflare.core.policy.compile import PolicySet, compile_policies
from tameflare.core.policy.facts import Facts
from tameflare.core.policy.verdict import SILENT, PolicyVerdict

ZONE = "Europe/Berlin"


def compiled(policies: Sequence[model.Policy]) -> PolicySet:
    found = compile_policies([(PolicyConfig(each.name, each.name, 1, ""), each) for each in policies], ZONE)
    assert not found.problems
    return found


def candidates_of(policies: PolicySet, facts: Facts) -> Candidates | None:
    return policies.candidates(facts.gateway, facts.connector, facts.agent_name, facts.environment, facts.action.type)


def engine(policies: PolicySet, facts: Facts) -> PolicyVerdict:
    found = candidates_of(policies, facts)
    return SILENT if found is None else found.judge(facts)


def as_said(verdict: PolicyVerdict) -> Said:
    """A verdict of the engine as the naive judge would say it."""
    names = [label.removeprefix("policy:").replace("@1", "").split(":") for label in verdict.matched]
    return Said(
        verdict.verdict,
        frozenset((policy, rule) for policy, rule in names),
        frozenset(verdict.requirements),
        verdict.risk_score,
    )


def without(facts: Facts, **changed: Any) -> Facts:
    """The same facts with another action or other circumstances, field by field of these."""
    action = {name: value for name, value in changed.items() if name in ("parameters", "resource")}
    rest = {name: value for name, value in changed.items() if name not in action}
    circumstances = dataclasses.replace(facts.circumstances, **rest)
    return dataclasses.replace(
        facts, action=msgspec.structs.replace(facts.action, **action), circumstances=circumstances
    )
