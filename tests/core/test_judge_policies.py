"""Access rules and policies together, at each level."""

from __future__ import annotations

import pytest
from tests.support.judging import compiled, policy

from tameflare.core.action import Action, Effect, Risk
from tameflare.core.config import PolicyConfig
from tameflare.core.decision import EnforcementLevel, Reason, Verdict
from tameflare.core.judge import decide
from tameflare.core.policy.facts import Circumstances
from tameflare.core.policy.model import Scope

ALLOW, DENY, ASK = Verdict.ALLOW, Verdict.DENY, Verdict.REQUIRES_APPROVAL
FULL, SOFT, MONITOR = EnforcementLevel.FULL_ENFORCE, EnforcementLevel.SOFT_ENFORCE, EnforcementLevel.MONITOR
NOW = Circumstances(1_700_000_000.0)
MERGE = Action("github.pr.merge", {"owner": "o"}, {"owner": "o", "base": "main"}, Risk.MEDIUM, Effect.WRITE)


@pytest.mark.parametrize(
    ("written", "said", "level", "verdict", "reason"),
    [
        # a policy only narrows what access rules allow
        (ALLOW, None, FULL, ALLOW, Reason.RULE_ALLOW),
        (ALLOW, ALLOW, FULL, ALLOW, Reason.RULE_ALLOW),
        (ALLOW, ASK, FULL, ASK, Reason.APPROVAL_REQUIRED),
        (ALLOW, DENY, FULL, DENY, Reason.POLICY_DENY),
        (ASK, ALLOW, FULL, ASK, Reason.APPROVAL_REQUIRED),
        (ASK, ASK, FULL, ASK, Reason.APPROVAL_REQUIRED),
        (ASK, DENY, FULL, DENY, Reason.POLICY_DENY),
        (DENY, ALLOW, FULL, DENY, Reason.RULE_DENY),
        (DENY, ASK, FULL, DENY, Reason.RULE_DENY),
        (DENY, DENY, FULL, DENY, Reason.RULE_DENY),
        (None, None, FULL, DENY, Reason.NO_RULE),
        (None, ALLOW, FULL, DENY, Reason.NO_RULE),
        (None, ASK, FULL, DENY, Reason.NO_RULE),
        (None, DENY, FULL, DENY, Reason.POLICY_DENY),
        # what nobody wrote a rule for passes with a warning; a policy is a rule
        (None, None, SOFT, ALLOW, Reason.UNWRITTEN_ALLOWED),
        (None, ALLOW, SOFT, ALLOW, Reason.POLICY_ALLOW),
        (None, ASK, SOFT, ASK, Reason.APPROVAL_REQUIRED),
        (None, DENY, SOFT, DENY, Reason.POLICY_DENY),
        (ALLOW, DENY, SOFT, DENY, Reason.POLICY_DENY),
        (DENY, ALLOW, SOFT, DENY, Reason.RULE_DENY),
        # everything passes and is marked
        (ALLOW, DENY, MONITOR, ALLOW, Reason.MONITORED),
        (ALLOW, ASK, MONITOR, ALLOW, Reason.MONITORED),
        (None, DENY, MONITOR, ALLOW, Reason.MONITORED),
    ],
)
def test_rules_and_policies(
    written: Verdict | None, said: Verdict | None, level: EnforcementLevel, verdict: Verdict, reason: Reason
) -> None:
    rules = {} if written is None else {"github.pr.*": written}
    policies = () if said is None else (policy(said),)
    found = decide(*compiled(level=level, rules=rules, policies=policies), [MERGE], NOW)
    assert (found.verdict, found.reason) == (verdict, reason)
    assert (found.requirement is not None) is (verdict is ASK)
    if said is not None:
        assert "policy:p@3:r" in found.matched


@pytest.mark.parametrize(
    ("said", "level", "verdict", "reason"),
    [
        (None, FULL, DENY, Reason.NO_POLICY),
        (ALLOW, FULL, ALLOW, Reason.POLICY_ALLOW),
        (ASK, FULL, ASK, Reason.APPROVAL_REQUIRED),
        (DENY, FULL, DENY, Reason.POLICY_DENY),
        (None, SOFT, ALLOW, Reason.UNWRITTEN_ALLOWED),
        (DENY, SOFT, DENY, Reason.POLICY_DENY),
    ],
)
def test_a_gateway_that_goes_by_policies_alone(
    said: Verdict | None, level: EnforcementLevel, verdict: Verdict, reason: Reason
) -> None:
    parts = compiled(level=level, policies=() if said is None else (policy(said),), policy_only=True)
    found = decide(*parts, [MERGE], NOW)
    assert (found.verdict, found.reason) == (verdict, reason)


@pytest.mark.parametrize("level", [FULL, SOFT, MONITOR])
def test_what_cannot_be_evaluated_is_denied(level: EnforcementLevel) -> None:
    broken = policy(ALLOW, "{field: parameters.base, operator: greater_than, value: 3}")
    found = decide(*compiled(level=level, rules={"**": ALLOW}, policies=(broken,)), [MERGE], NOW)
    expected = (ALLOW, Reason.MONITORED) if level is MONITOR else (DENY, Reason.ENGINE_ERROR)
    assert (found.verdict, found.reason) == expected
    assert found.would_be is DENY


def test_a_policy_that_does_not_compile_denies_its_scope_and_nothing_else() -> None:
    source = "name: p\nscope: {action_types: ['github.*']}\nrules: [{nonsense: 1}]\n"
    stored = PolicyConfig("policy-1", "p", 3, source, Scope(action_types=("github.*",)))
    gateway, agent, connector = compiled(rules={"**": ALLOW}, policies=(stored,))
    assert decide(gateway, agent, connector, [MERGE], NOW).reason is Reason.ENGINE_ERROR
    assert decide(gateway, agent, connector, [Action("openai.chat.create")], NOW).allowed
    nowhere = compiled(rules={"**": ALLOW}, policies=(source,))
    assert not decide(*nowhere, [Action("openai.chat.create")], NOW).allowed


def test_an_unknown_route_needs_more_than_a_policy_that_allows_at_soft_enforce() -> None:
    unknown = Action("github.unknown.post")
    assert not decide(*compiled(level=SOFT, policies=(policy(ALLOW),)), [unknown], NOW).allowed


def test_the_answer_follows_the_parameters_although_types_are_remembered() -> None:
    only_main = policy(DENY, "{field: parameters.base, operator: equals, value: main}")
    parts = compiled(rules={"**": ALLOW}, policies=(only_main,))
    other = Action(MERGE.type, MERGE.resource, {"base": "dev"})
    assert [decide(*parts, [action], NOW).allowed for action in (MERGE, other, MERGE, other)] == [
        False,
        True,
        False,
        True,
    ]


def test_many_types_fill_no_memory() -> None:
    gateway, agent, connector = compiled(rules={"**": ALLOW}, policies=(policy(DENY),))
    for number in range(6000):
        assert not decide(gateway, agent, connector, [Action(f"mcp.tools.t{number}")], NOW).allowed
    assert len(connector.applicable) <= 4096


def test_the_score_that_a_rule_gives_is_told() -> None:
    scored = policy(ALLOW, extra="risk_score: 70")
    assert decide(*compiled(rules={"**": ALLOW}, policies=(scored,)), [MERGE], NOW).risk_score == 70
    assert decide(*compiled(rules={"**": ALLOW}), [MERGE], NOW).risk_score is None
