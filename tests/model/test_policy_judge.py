"""The engine agrees with the naive judge: alone, through its index, in its explanations, and inside the whole judge."""

from __future__ import annotations

from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st
from tests.model import policies as world
from tests.model.judged import ZONE, as_said, candidates_of, compiled, engine, without
from tests.model.naive_judge import NaiveJudge

from tameflare.core import totals
from tameflare.core.access import AccessRule, AccessTable
from tameflare.core.compile import CompiledGateway, Switches
from tameflare.core.config import AgentConfig, ConnectorConfig, GatewayConfig
from tameflare.core.decision import STRICTNESS, EnforcementLevel, Verdict
from tameflare.core.judge import decide
from tameflare.core.policy import model
from tameflare.core.policy.facts import Facts
from tameflare.core.policy.model import Operator

SOME = settings(max_examples=40)


@given(world.policy_sets(), st.lists(world.FACTS, min_size=1, max_size=4))
def test_the_engine_says_what_the_naive_judge_says(policies: list[model.Policy], many: list[Facts]) -> None:
    together = compiled(policies)
    for facts in many:
        assert as_said(engine(together, facts)) == NaiveJudge(facts, ZONE).say(policies)


@SOME
@given(world.policy_sets(3), world.FACTS)
def test_an_explanation_tells_of_every_rule_what_it_came_to(policies: list[model.Policy], facts: Facts) -> None:
    found = candidates_of(compiled(policies), facts)
    naive = NaiveJudge(facts, ZONE)
    if found is None:
        assert not naive.say(policies).matched
        return
    explanation = found.explain(facts)
    assert explanation.verdict == found.judge(facts)
    results = {"true": 1, "error": 0, "false": -1}
    by_name = {(policy.name, rule.name): (policy, rule) for policy in policies for rule in policy.rules}
    told = {(policy.name, rule.name): rule for policy in explanation.policies for rule in policy.rules}
    for name, rule in told.items():
        policy, written = by_name[name]
        assert results[rule.result] == naive.rule_holds(policy.scope, written)
        assert results[rule.condition.result] == naive.holds(written.condition, hints=True)
    assert naive.say(policies).matched <= told.keys()


@st.composite
def alike(draw: st.DrawFn) -> list[model.Policy]:
    """Many rules that one field tells apart, which are indexed by it."""
    words = st.sampled_from(["main", "MAIN", "1", "", "a.b\nc", "ma", "dev", "x"])

    def rule(number: int) -> model.Rule:
        several = draw(st.booleans())
        value = draw(st.lists(words, min_size=1, max_size=2).map(tuple) if several else words)
        first = model.Test("parameters.a", Operator.IN if several else Operator.EQUALS, value)
        condition = model.All((first, totals.owned(draw(world.CONDITIONS), f"p0:r{number}")))
        return model.Rule(f"r{number}", condition, draw(st.sampled_from(Verdict)), "", draw(st.integers(0, 100)))

    return [model.Policy("p0", tuple(rule(number) for number in range(draw(st.integers(6, 10)))))]


@SOME
@given(alike(), world.FACTS, st.lists(st.sampled_from(world.VALUES), min_size=1, max_size=6))
def test_rules_that_are_told_apart_by_an_index_are_judged_the_same(
    policies: list[model.Policy], facts: Facts, values: list[Any]
) -> None:
    found = compiled(policies)
    for value in values:
        changed = without(facts, parameters={"a": value})
        assert as_said(engine(found, changed)) == NaiveJudge(changed, ZONE).say(policies)


# --- the whole judge --------------------------------------------------------------------------------------------------

ACCESS = st.none() | st.dictionaries(
    st.sampled_from(["**", "github.*", "github.pr.merge", "*.refund.*", "github.unknown.*"]), st.sampled_from(Verdict)
)


@SOME
@given(world.policy_sets(3), world.FACTS, ACCESS, st.sampled_from(EnforcementLevel))
def test_the_whole_judge_decides_as_the_naive_one(
    policies: list[model.Policy], facts: Facts, written: dict[str, Verdict] | None, level: EnforcementLevel
) -> None:
    """Default deny, narrowing and levels: policies never allow what access rules do not, but where there are none."""
    rules = tuple(
        AccessRule(pattern, facts.connector, pattern, verdict) for pattern, verdict in (written or {}).items()
    )
    gateway = CompiledGateway(
        GatewayConfig(
            "gateway-1",
            facts.gateway,
            level,
            agents=(AgentConfig(facts.agent_id, facts.agent_name, facts.environment),),
            connectors=(ConnectorConfig("connector-1", facts.connector, "github"),),
            rules=rules,
            policy_only=written is None,
        ),
        Switches(()),
        compiled(policies),
    )
    agent, connector = gateway.agents[facts.agent_name], gateway.connectors[facts.connector]
    decision = decide(gateway, agent, connector, [facts.action], facts.circumstances)
    naive = NaiveJudge(facts, ZONE)
    access = None if written is None else AccessTable(rules)
    said = naive.say(policies)
    assert decision.verdict is naive.decide(said, access, level)
    if level is EnforcementLevel.FULL_ENFORCE and access is not None:
        alone = access.look_up(facts.action).verdict
        assert STRICTNESS[decision.verdict] >= STRICTNESS[alone]
