"""Theorems that policies stand on, as properties of the engine."""

from __future__ import annotations

from random import Random
from typing import Any

import msgspec
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.model import policies as world
from tests.model.judged import as_said, candidates_of, compiled, engine, without

from tameflare.core.decision import Verdict
from tameflare.core.policy import model
from tameflare.core.policy.facts import Facts
from tameflare.core.policy.model import Operator

SOME = settings(max_examples=40)
ALLOW, DENY, ASK = Verdict.ALLOW, Verdict.DENY, Verdict.REQUIRES_APPROVAL


def rule_of(decision: Verdict, condition: model.Condition, name: str = "added") -> model.Policy:
    return model.Policy(name, (model.Rule("r", condition, decision),))


@SOME
@given(world.policy_sets(3), world.FACTS)
def test_deny_wins(policies: list[model.Policy], facts: Facts) -> None:
    denied = engine(compiled([*policies, rule_of(DENY, model.ALWAYS)]), facts)
    assert denied.verdict is DENY
    assert "policy:added@1:r" in denied.matched


@SOME
@given(world.policy_sets(3), world.CONDITIONS, st.sampled_from([DENY, ASK]), world.FACTS)
def test_a_rule_that_is_added_never_opens_unless_it_allows(
    policies: list[model.Policy], condition: model.Condition, decision: Verdict, facts: Facts
) -> None:
    before = engine(compiled(policies), facts).verdict
    after = engine(compiled([*policies, rule_of(decision, condition)]), facts).verdict
    assert after in {before, decision, DENY}
    assert after is DENY or before is not DENY


@SOME
@given(world.policy_sets(3), world.FACTS, st.randoms(use_true_random=False))
def test_order_and_duplicates_do_not_matter(policies: list[model.Policy], facts: Facts, chance: Random) -> None:
    said = engine(compiled(policies), facts)
    others = [*policies, chance.choice(policies)]
    chance.shuffle(others)
    assert engine(compiled(others), facts) == said

    def shuffled(policy: model.Policy) -> model.Policy:
        rules = [*policy.rules, *policy.rules]
        return msgspec.structs.replace(policy, rules=tuple(chance.sample(rules, len(rules))))

    mixed = engine(compiled([shuffled(each) for each in policies]), facts)
    assert as_said(mixed) == as_said(said)
    assert mixed.reason is said.reason


@SOME
@given(world.policy_sets(3), world.FACTS, st.sampled_from(["a", "z"]), st.sampled_from(world.VALUES))
def test_what_cannot_be_read_is_denied_unless_it_makes_no_difference(
    policies: list[model.Policy], facts: Facts, name: str, other: Any
) -> None:
    """An error never opens: where the verdict is no denial, it is the same for whatever might have been there."""
    found = compiled(policies)
    parameters = facts.action.parameters
    said = engine(found, without(facts, parameters={**parameters, name: float("nan")}))
    if said.verdict is not DENY:
        assert engine(found, without(facts, parameters={**parameters, name: other})) == said


EXCLUDING = [Operator.NOT_EQUALS, Operator.NOT_IN, Operator.NOT_CONTAINS, Operator.NOT_EXISTS]
REQUIRING = [each for each in Operator if each not in (*EXCLUDING, Operator.EXISTS, Operator.TIME_BETWEEN)]


@st.composite
def exclusions(draw: st.DrawFn) -> model.Condition:
    """A condition that forbids `parameters.a` to be other than something, and asks nowhere whether it exists."""
    excluding = draw(st.booleans())
    operator = draw(st.sampled_from(EXCLUDING if excluding else REQUIRING))
    test = model.Test("parameters.a", operator, draw(world.value_for(operator)))
    found: model.Condition = test if excluding else model.Not(test)
    join = draw(st.sampled_from([model.All, model.AnyOf]))
    other = draw(st.just(model.ALWAYS) | world.tests().filter(lambda each: not each.field.startswith("parameters.a")))
    return join((other, found)) if draw(st.booleans()) else found


@SOME
@given(exclusions(), world.FACTS, st.sampled_from(world.VALUES))
def test_leaving_a_field_out_never_opens_what_a_deny_closed(
    condition: model.Condition, facts: Facts, value: Any
) -> None:
    """Where a rule forbids all but some values, it forbids none too, unless it asks for `exists`."""
    found = compiled([rule_of(DENY, condition)])
    if engine(found, without(facts, parameters={"a": value})).verdict is DENY:
        assert engine(found, without(facts, parameters={})).verdict is DENY
        assert engine(found, without(facts, parameters={"a": None})).verdict is DENY


@SOME
@given(world.policy_sets(3), world.FACTS)
def test_hints_of_an_agent_never_loosen(policies: list[model.Policy], facts: Facts) -> None:
    found = compiled(policies)
    unsaid, said = engine(found, without(facts, risk_hints={})).verdict, engine(found, facts).verdict
    assert said is unsaid or said is DENY or (said, unsaid) in {(ASK, ALLOW), (ASK, None), (None, ALLOW)}


@SOME
@given(world.policy_sets(3), world.FACTS, st.sampled_from(world.VALUES))
def test_only_the_fields_that_candidates_name_matter(policies: list[model.Policy], facts: Facts, value: Any) -> None:
    found = candidates_of(compiled(policies), facts)
    fields = frozenset() if found is None else found.fields
    if not any(field.split(".")[:2] == ["parameters", "a"] for field in fields):
        changed = without(facts, parameters={**facts.action.parameters, "a": value})
        assert engine(compiled(policies), changed) == engine(compiled(policies), facts)
    if found is not None and not found.totals:
        assert found.judge(without(facts, totals=None)) == found.judge(facts)
