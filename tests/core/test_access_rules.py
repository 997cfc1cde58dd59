"""Which rule wins: examples, then properties against a naive reading of the rules."""

from __future__ import annotations

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tameflare.core.access import AccessRule, AccessTable, parse_pattern
from tameflare.core.action import Action, Effect
from tameflare.core.decision import STRICTNESS, Verdict

ALLOW, DENY, ASK = Verdict.ALLOW, Verdict.DENY, Verdict.REQUIRES_APPROVAL


def rule(pattern: str, decision: Verdict, effect: Effect | None = None) -> AccessRule:
    return AccessRule(
        id=f"{pattern}-{decision}-{effect}", connector="github", pattern=pattern, decision=decision, effect=effect
    )


def verdict(rules: list[AccessRule], action: Action) -> Verdict:
    return AccessTable(rules).look_up(action).verdict


MERGE = Action("github.pr.merge")


@pytest.mark.parametrize(
    ("rules", "expected"),
    [
        ([], DENY),
        ([rule("github.issue.*", ALLOW)], DENY),
        ([rule("**", ALLOW)], ALLOW),
        ([rule("**", ALLOW), rule("github.pr.*", DENY)], DENY),
        ([rule("**", DENY), rule("github.pr.*", ALLOW)], ALLOW),
        ([rule("github.*", DENY), rule("github.pr.merge", ASK)], ASK),
        ([rule("github.pr.m*", ALLOW), rule("github.pr.merg*", DENY)], DENY),
        ([rule("github.pr.m*", DENY), rule("github.pr.merg*", ALLOW)], ALLOW),
        ([rule("github.pr.merge", ALLOW), rule("github.pr.merge", DENY)], DENY),
        ([rule("github.pr.merge", ALLOW), rule("github.pr.merge", ASK)], ASK),
        ([rule("github.pr.merge", ASK), rule("github.pr.merge", DENY)], DENY),
    ],
)
def test_the_most_specific_rule_wins_and_at_equal_rank_the_strictest(
    rules: list[AccessRule], expected: Verdict
) -> None:
    assert verdict(rules, MERGE) is expected


def test_an_effect_narrows_a_rule() -> None:
    read_only = [rule("**", ALLOW, Effect.READ)]
    assert verdict(read_only, Action("github.repo.get", effect=Effect.READ)) is ALLOW
    assert verdict(read_only, Action("github.repo.delete", effect=Effect.DESTRUCTIVE)) is DENY


def test_a_rule_with_an_effect_is_more_specific_than_the_same_pattern_without() -> None:
    rules = [rule("github.*", DENY), rule("github.*", ALLOW, Effect.READ)]
    assert verdict(rules, Action("github.repo.get", effect=Effect.READ)) is ALLOW
    assert verdict(rules, Action("github.repo.update", effect=Effect.WRITE)) is DENY


def test_the_rule_that_determined_the_verdict_is_named() -> None:
    deny = rule("github.pr.*", DENY)
    found = AccessTable([rule("**", ALLOW), deny]).look_up(MERGE)
    assert found.rule == deny
    assert AccessTable([]).look_up(MERGE).rule is None


words = st.sampled_from(["github", "pr", "issue", "merge", "create", "unknown"])
action_types = st.lists(words, min_size=1, max_size=4).map(".".join)
segments = st.sampled_from(["github", "pr", "merge", "create", "unknown", "*", "cre*", "*e", "p*"])
patterns = st.just("**") | st.lists(segments, min_size=1, max_size=4).map(".".join)
rules_strategy = st.builds(
    rule, patterns, st.sampled_from(list(Verdict)), st.none() | st.sampled_from([Effect.READ, Effect.MONEY])
)
rule_lists = st.lists(rules_strategy, max_size=8)
actions = st.builds(Action, type=action_types, effect=st.sampled_from([Effect.READ, Effect.WRITE, Effect.MONEY]))


def naive(rules: list[AccessRule], action: Action) -> Verdict:
    """All rules that match, the best rank among them, the strictest of that rank."""
    matching = [
        (parse_pattern(each.pattern).specificity, each.effect is not None, STRICTNESS[each.decision], each.decision)
        for each in rules
        if each.effect in (None, action.effect) and parse_pattern(each.pattern).matches(action.type)
    ]
    return max(matching, key=lambda entry: entry[:3])[3] if matching else DENY


@given(rule_lists, actions)
def test_the_table_agrees_with_a_naive_reading(rules: list[AccessRule], action: Action) -> None:
    assert verdict(rules, action) is naive(rules, action)


@given(rule_lists, actions, st.randoms(use_true_random=False))
def test_order_and_duplicates_do_not_matter(rules: list[AccessRule], action: Action, chance: random.Random) -> None:
    mixed = rules + chance.choices(rules, k=len(rules)) if rules else []
    chance.shuffle(mixed)
    assert verdict(mixed, action) is verdict(rules, action)


@given(rule_lists, patterns, actions)
def test_adding_a_deny_never_opens(rules: list[AccessRule], pattern: str, action: Action) -> None:
    before, after = verdict(rules, action), verdict([*rules, rule(pattern, DENY)], action)
    assert STRICTNESS[after] >= STRICTNESS[before]


@given(rule_lists, actions)
def test_a_deny_trumps_at_equal_specificity(rules: list[AccessRule], action: Action) -> None:
    denied = [rule(each.pattern, DENY, each.effect) for each in rules]
    assert verdict(rules + denied, action) is DENY


@given(rule_lists, patterns, actions)
def test_adding_an_allow_changes_only_what_it_matches(rules: list[AccessRule], pattern: str, action: Action) -> None:
    after = verdict([*rules, rule(pattern, ALLOW)], action)
    assert after is verdict(rules, action) or parse_pattern(pattern).matches(action.type)


@given(actions)
def test_without_a_rule_everything_is_denied(action: Action) -> None:
    assert verdict([], action) is DENY
