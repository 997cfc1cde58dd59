"""The engine agrees with the naive judge, and the theorems that policies stand on hold of it."""

from __future__ import annotations

from collections.abc import Sequence

from hypothesis import given
from hypothesis import strategies as st
from tests.model import policies as world
from tests.model.naive_judge import NaiveJudge, Said

from tameflare.core.config import PolicyConfig
from tameflare.core.policy import model
from tameflare.core.policy.compile import PolicySet, compile_policies
from tameflare.core.policy.facts import Facts
from tameflare.core.policy.verdict import SILENT, PolicyVerdict

ZONE = "Europe/Berlin"


def compiled(policies: Sequence[model.Policy]) -> PolicySet:
    found = compile_policies([(PolicyConfig(each.name, each.name, 1, ""), each) for each in policies], ZONE)
    assert not found.problems
    return found


def engine(policies: PolicySet, facts: Facts) -> PolicyVerdict:
    candidates = policies.candidates(
        facts.gateway, facts.connector, facts.agent_name, facts.environment, facts.action.type
    )
    return SILENT if candidates is None else candidates.judge(facts)


def as_said(verdict: PolicyVerdict) -> Said:
    names = [label.removeprefix("policy:").replace("@1", "").split(":") for label in verdict.matched]
    return Said(
        verdict.verdict,
        frozenset((policy, rule) for policy, rule in names),
        frozenset(verdict.requirements),
        verdict.risk_score,
    )


@given(world.policy_sets(), st.lists(world.FACTS, min_size=1, max_size=4))
def test_the_engine_says_what_the_naive_judge_says(policies: list[model.Policy], many: list[Facts]) -> None:
    together = compiled(policies)
    for facts in many:
        assert as_said(engine(together, facts)) == NaiveJudge(facts, ZONE).say(policies)
