"""What matched rules come to, in which order it is told and why, and what candidates look at."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest
from tests.support.policy_sets import compiled, rule, says

from tameflare.core.action import Action
from tameflare.core.approval import ANYBODY, Requirement
from tameflare.core.decision import Reason, Verdict
from tameflare.core.policy import model
from tameflare.core.policy.compile import PolicySet
from tameflare.core.policy.explain import shown
from tameflare.core.policy.facts import Circumstances, Facts
from tameflare.core.policy.fields import ABSENT, UNREADABLE
from tameflare.core.policy.model import Operator, Policy, Scope, Total
from tameflare.core.policy.verdict import SILENT

ALLOW, DENY, ASK = Verdict.ALLOW, Verdict.DENY, Verdict.REQUIRES_APPROVAL
MERGE = "github.pr.merge"
SPENT = Total("parameters.amount", 86400)


# --- verdicts


def test_what_determined_the_verdict_comes_first_then_what_has_priority() -> None:
    policies = [
        Policy("late", (rule(DENY, "no", reason="Never"), rule(ALLOW, "yes")), priority=200),
        Policy("early", (rule(ASK, "ask"), rule(DENY, "also", reason="Not now")), priority=1),
    ]
    expected = ("policy:early@2:also", "policy:late@2:no", "policy:early@2:ask", "policy:late@2:yes")
    for order in (policies, policies[::-1]):
        verdict = says(compiled(*order))
        assert verdict.matched == expected
        assert (verdict.message, verdict.reason, verdict.requirements) == ("Not now", Reason.POLICY_DENY, ())


def test_every_rule_that_asks_has_its_own_terms() -> None:
    terms = [Requirement(groups=("security",)), Requirement(groups=("finance",), quorum=2)]
    asks = [rule(ASK, f"r{number}", approval=each) for number, each in enumerate([*terms, terms[0], None])]
    verdict = says(compiled(Policy("p", (*asks, rule(ALLOW, "yes")))))
    assert (verdict.verdict, verdict.reason) == (ASK, Reason.APPROVAL_REQUIRED)
    assert verdict.requirements == (*terms, ANYBODY)
    assert verdict.message == "`github.pr.merge` needs an approval by policy `p@2`, rule `r0`"


def test_the_highest_risk_score_of_what_matched_counts() -> None:
    scores = {"low": 10, "high": 90, "other": 99}
    off = model.Test("type", Operator.EQUALS, "x.y.z")
    rules = [
        rule(ALLOW, name, off if name == "other" else model.ALWAYS, risk_score=score) for name, score in scores.items()
    ]
    assert says(compiled(Policy("p", tuple(rules)))).risk_score == 90
    assert says(compiled(Policy("p", (rule(ALLOW),)))).risk_score is None


def test_an_error_denies_and_says_what_could_not_be_compared() -> None:
    test = model.Test("parameters.amount", Operator.GREATER_THAN, 100)
    verdict = says(compiled(Policy("p", (rule(ASK, condition=test), rule(ALLOW, "yes")))), amount="500")
    assert (verdict.verdict, verdict.reason) == (DENY, Reason.ENGINE_ERROR)
    assert verdict.matched == ("policy:p@2:r", "policy:p@2:yes")
    assert verdict.message == (
        "policy `p@2`, rule `r` cannot be judged: `parameters.amount` is text, and `greater_than` cannot compare it"
    )


def test_a_written_denial_is_told_before_an_error() -> None:
    test = model.Test("parameters.amount", Operator.GREATER_THAN, 100)
    verdict = says(compiled(Policy("p", (rule(ASK, condition=test), rule(DENY, "no", reason="Never")))), amount="500")
    assert (verdict.reason, verdict.message) == (Reason.POLICY_DENY, "Never")
    assert verdict.matched == ("policy:p@2:no", "policy:p@2:r")


def test_a_total_that_nobody_can_tell_denies_by_its_own_reason() -> None:
    over = model.Test("", Operator.GREATER_THAN, 1000, SPENT)
    found = compiled(Policy("p", (rule(DENY, condition=over),)))
    candidates = found.candidates("main", "github", "bot", "production", MERGE)
    assert candidates is not None
    (total,) = candidates.totals
    sums = {total: Decimal(1001)}
    assert says(found).reason is Reason.TOTAL_UNAVAILABLE
    assert says(found, circumstances=Circumstances(0.0, totals={})).reason is Reason.TOTAL_UNAVAILABLE
    assert says(found, circumstances=Circumstances(0.0, totals=sums)).reason is Reason.POLICY_DENY
    assert says(found, circumstances=Circumstances(0.0, totals={total: Decimal(1000)})) is SILENT
    assert says(found, circumstances=Circumstances(0.0, totals={total: Decimal("NaN")})).reason is Reason.ENGINE_ERROR


def test_a_total_that_is_missing_is_blamed_only_where_nothing_else_is_wrong() -> None:
    over = model.Test("", Operator.GREATER_THAN, 1000, SPENT)
    wrong = model.Test("parameters.a", Operator.GREATER_THAN, 1)
    found = compiled(Policy("p", (rule(DENY, "sum", over), rule(DENY, "type", wrong))))
    assert says(found, a="text").reason is Reason.ENGINE_ERROR
    assert says(found, a=1).reason is Reason.TOTAL_UNAVAILABLE
    assert says(found, a=2).reason is Reason.POLICY_DENY


# --- candidates


def test_candidates_read_only_what_their_rules_still_need_in_that_place() -> None:
    merge = model.Test("type", Operator.EQUALS, MERGE)
    body = model.Test("parameters.base", Operator.EQUALS, "main")
    bot = model.Test("agent.name", Operator.GLOB, "b*")
    hour = model.Test("time.hour", Operator.LESS_THAN, 9)
    found = compiled(Policy("p", (rule(DENY, condition=model.All((merge, bot, body, model.Not(hour)))),)))
    here = found.candidates("main", "github", "bot", "production", MERGE)
    assert here is not None
    assert here.fields == {"parameters.base", "time.hour"}
    assert found.candidates("main", "github", "other", "production", MERGE) is None
    assert found.candidates("main", "github", "bot", "production", "github.pr.create") is None


def test_rules_of_other_types_are_not_even_looked_at() -> None:
    """The cost follows the rules that can match: nothing of the others is asked for a place that they are not in."""
    named = [
        Policy(f"t{n}", (rule(DENY, condition=model.Test("type", Operator.EQUALS, f"a.b.c{n}")),)) for n in range(50)
    ]
    scoped = [
        Policy(f"s{n}", (rule(DENY),), scope=Scope(action_types=(f"vendor{n}.*", f"x.y.z{n}"))) for n in range(50)
    ]
    found = compiled(*named, *scoped)
    assert [len(found._reached(each)) for each in ("a.b.c7", "vendor3.a.b", "x.y.z9", MERGE)] == [1, 1, 1, 0]


def test_an_index_asks_only_the_rules_of_a_text() -> None:
    rules = []
    for number in range(20):
        first = model.Test("parameters.customer", Operator.EQUALS, f"c{number}")
        rules.append(rule(DENY, f"r{number}", model.All((first, model.Test("parameters.n", Operator.EQUALS, number)))))
    candidates = compiled(Policy("p", tuple(rules))).candidates("main", "github", "bot", "production", MERGE)
    assert candidates is not None
    (switch,) = candidates._switches
    assert switch.key == "parameters.customer"
    assert len(switch.find("c7")) == 1
    assert not switch.find("c20")
    assert list(switch.ready) == ["c7"]
    assert len(switch.all()) == 20


def test_an_explanation_shows_what_was_seen() -> None:
    test = model.All(
        (
            model.Test("parameters.amount", Operator.GREATER_THAN, 100, line=5),
            model.Not(model.Test("parameters.tags", Operator.CONTAINS, "ok", line=6)),
        )
    )
    found = compiled(Policy("p", (rule(DENY, condition=test, reason="Too much", risk_score=80, line=3),)))
    candidates = found.candidates("main", "github", "bot", "production", MERGE)
    assert candidates is not None
    facts = Facts(
        Action(MERGE, {}, {"amount": 2**400, "tags": ["secret"]}),
        "a",
        "bot",
        "production",
        "main",
        "github",
        Circumstances(0),
    )
    explanation = candidates.explain(facts)
    (policy,) = explanation.policies
    (told,) = policy.rules
    assert (policy.name, policy.version, told.name, told.result, told.line) == ("p", 2, "r", "true", 3)
    amount, negation = told.condition.parts
    assert (amount.result, amount.wanted, amount.seen, amount.line) == ("true", "100", "a number of 401 bits", 5)
    assert amount.why == "`parameters.amount` is a number of 401 bits; `greater_than` 100 is true"
    assert (negation.kind, negation.result, negation.parts[0].seen) == ("not", "true", "a list of 1")
    assert "secret" not in repr(explanation)


@pytest.mark.parametrize(
    ("value", "words"),
    [
        ("main", '"main"'),
        ("x" * 81, f'"{"x" * 80}…"'),
        ("a\nb\ud800", '"a\\nb\\ud800"'),
        (True, "true"),
        (0.5, "0.5"),
        (2**255, str(2**255)),
        (ABSENT, "absent"),
        (UNREADABLE, "unreadable"),
        ({"key": "secret"}, "a mapping of 1"),
    ],
)
def test_a_value_is_shown_on_one_line_and_without_what_is_in_it(value: Any, words: str) -> None:
    assert shown(value) == words


def test_places_that_no_rule_tells_apart_have_the_same_candidates() -> None:
    named = model.Test("agent.name", Operator.EQUALS, "bot")
    plain, by_agent = compiled(Policy("p", (rule(DENY),))), compiled(Policy("p", (rule(DENY, condition=named),)))
    by_scope = compiled(Policy("p", (rule(DENY),), scope=Scope(environments=("production",))))

    def found(policies: PolicySet, agent: str, environment: str = "production", gateway: str = "main") -> object:
        return policies.candidates(gateway, "github", agent, environment, MERGE)

    assert found(plain, "bot") is found(plain, "other", "staging", "elsewhere")
    assert found(by_agent, "bot") is found(by_agent, "bot", "staging", "elsewhere")
    assert found(by_agent, "bot") is not None
    assert found(by_agent, "other") is None
    assert found(by_scope, "bot") is found(by_scope, "other")
    assert found(by_scope, "bot") is not found(by_scope, "bot", "staging")
    assert plain.candidates("main", "github", "bot", "production", "x.y.z") is found(plain, "bot")


def test_rules_are_looked_up_by_texts_only() -> None:
    """A type is never equal to a number, and to compare them is an error, not a rule for another type."""
    odd = compiled(Policy("p", (rule(ALLOW, condition=model.Test("type", Operator.EQUALS, 1)),)))
    assert says(odd).reason is Reason.ENGINE_ERROR
    mixed = compiled(Policy("p", (rule(DENY, condition=model.Test("type", Operator.IN, (MERGE, 1))),)))
    assert says(mixed).reason is Reason.POLICY_DENY
    assert says(mixed, "x.y.z") is SILENT
    numbers = [rule(DENY, f"r{n}", model.Test("parameters.n", Operator.EQUALS, n)) for n in range(6)]
    assert says(compiled(Policy("p", tuple(numbers))), n=3).matched == ("policy:p@2:r3",)
    assert says(compiled(Policy("p", tuple(numbers))), n="3").reason is Reason.ENGINE_ERROR


def test_priority_orders_rules_that_are_looked_up_and_those_that_are_not() -> None:
    tests = [model.Test("parameters.customer", Operator.EQUALS, f"c{number}") for number in range(6)]
    early = Policy(
        "early", tuple(rule(DENY, f"r{n}", test, reason="Not you") for n, test in enumerate(tests)), priority=1
    )
    late = Policy("late", (rule(DENY, reason="Nobody"),), priority=200)
    verdict = says(compiled(late, early), customer="c3")
    assert (verdict.matched, verdict.message) == (("policy:early@2:r3", "policy:late@2:r"), "Not you")
