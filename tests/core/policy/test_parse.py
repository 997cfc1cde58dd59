"""What is read of a policy, value by value."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest

from tameflare.core.approval import Requirement
from tameflare.core.decision import Verdict
from tameflare.core.policy import limits, model
from tameflare.core.policy.model import (
    ALWAYS,
    EVERYTHING,
    MAX_DEPTH,
    All,
    AnyOf,
    Not,
    Operator,
    Policy,
    Rule,
    Scope,
    Total,
    TotalBy,
)
from tameflare.core.policy.parse import ANYTHING, Known, Parsed, parse_policy
from tameflare.core.policy.windows import Window
from tameflare.core.roles import Role

WHOLE = """\
name: github-branch-protection
description: Protect main and never delete a repository
enabled: false
priority: -5
scope:
  agents: ["deploy-*"]
  environments: [production]
  action_types: ["github.*"]
  gateways: main
  connectors: [github]
rules:
  - name: ask-before-merging-to-main
    conditions:
      all:
        - {field: type, operator: equals, value: github.pr.merge}
        - any:
            - {field: parameters.base, operator: in, value: [main, master]}
            - not: {field: resource.environment, operator: exists}
    decision: requires_approval
    reason: Merging to main needs a person
    risk_score: 70
    approval: {timeout_seconds: 3600, approver_roles: [admin, owner], approver_groups: [security-team], quorum: 2,
               distinct_approvers: true, remember: true}
  - {name: never, decision: deny}
"""


def read(text: str, known: Known = ANYTHING) -> Policy:
    parsed = parse_policy(text, known)
    assert parsed.diagnostics == ()
    assert parsed.policy is not None
    return parsed.policy


def test_a_whole_policy() -> None:
    requirement = Requirement(Role.ADMIN, ("security-team",), 2, distinct=True, timeout=3600, remember=True)
    condition = All(
        (
            model.Test("type", Operator.EQUALS, "github.pr.merge", line=15),
            AnyOf(
                (
                    model.Test("parameters.base", Operator.IN, ("main", "master"), line=17),
                    Not(model.Test("resource.environment", Operator.EXISTS, line=18)),
                )
            ),
        )
    )
    ask = Rule(
        "ask-before-merging-to-main",
        condition,
        Verdict.REQUIRES_APPROVAL,
        "Merging to main needs a person",
        70,
        requirement,
        12,
    )
    scope = Scope(("deploy-*",), ("production",), ("github.*",), ("main",), ("github",))
    assert read(WHOLE) == Policy(
        "github-branch-protection",
        (ask, Rule("never", ALWAYS, Verdict.DENY, line=24)),
        "Protect main and never delete a repository",
        False,
        -5,
        scope,
    )


def test_the_smallest_policy() -> None:
    policy = read("name: a\nrules: [{name: b, decision: allow}]")
    assert policy == Policy("a", (Rule("b", ALWAYS, Verdict.ALLOW, line=2),))
    assert policy.scope == EVERYTHING


def condition(field: str, operator: str, value: str = "") -> Any:
    """The one test that is read."""
    behind = f", value: {value}" if value else ""
    test = f'{{field: "{field}", operator: {operator}{behind}}}'
    text = f"name: a\nrules:\n  - {{name: b, decision: deny, conditions: {test}}}"
    found = read(text).rules[0].condition
    assert isinstance(found, model.Test)
    return found


@pytest.mark.parametrize(
    ("operator", "written", "value"),
    [
        ("equals", "5", 5),
        ("equals", '"5"', "5"),
        ("equals", "true", True),
        ("equals", '""', ""),
        ("not_equals", "5.5", 5.5),
        ("in", "[1, two, false]", (1, "two", False)),
        ("not_in", "[a]", ("a",)),
        ("contains", "5", 5),
        ("not_contains", "a", "a"),
        ("starts_with", ".env", ".env"),
        ("ends_with", "'[bot]'", "[bot]"),
        ("matches", "'^a+$'", "^a+$"),
        ("greater_than", "-1", -1),
        ("less_than_or_equal", "2026-01-01", "2026-01-01"),
        ("between", "[1, 1]", (1, 1)),
        ("between", "[2026-01-01, 2026-12-31]", ("2026-01-01", "2026-12-31")),
        ("glob", '"*.com"', "*.com"),
        ("cidr", "10.0.0.0/8", ("10.0.0.0/8",)),
        ("cidr", '["::/0", 192.0.2.1]', ("::/0", "192.0.2.1")),
    ],
)
def test_a_value(operator: str, written: str, value: object) -> None:
    found = condition("parameters.a", operator, written)
    assert (found.operator, found.value) == (Operator(operator), value)
    assert type(found.value) is type(value)


@pytest.mark.parametrize(
    ("written", "window"),
    [
        ('{hours: "09:00-17:30"}', Window(540, 1050)),
        ("{hours: 22:00-06:00}", Window(1320, 360)),
        ("{hours: [22:00, 24:00]}", Window(1320, 1440)),
        ('{hours: "9:05 to 10:00"}', Window(545, 600)),
        ("{days: mon}", Window(days=(0,))),
        ("{days: Friday-Monday}", Window(days=(0, 4, 5, 6))),
        ("{days: [tue, thursday, sat-sun], timezone: Europe/Berlin}", Window(0, 1440, (1, 3, 5, 6), "Europe/Berlin")),
    ],
)
def test_a_window(written: str, window: Window) -> None:
    assert condition("time", "time_between", written).value == window


def test_a_window_needs_no_field() -> None:
    text = "name: a\nrules: [{name: b, decision: deny, conditions: {operator: time_between, value: {days: mon}}}]"
    assert read(text).rules[0].condition == model.Test("time", Operator.TIME_BETWEEN, Window(days=(0,)), line=2)


@pytest.mark.parametrize(
    ("written", "total"),
    [
        ("total(parameters.amount, window: 1d, by: agent)", Total("parameters.amount", 86_400)),
        ("total(parameters.amount,window:90m)", Total("parameters.amount", 5_400)),
        ("total( resource.size , by: all, window: 1w )", Total("resource.size", 604_800, TotalBy.ALL)),
        ("total(action_spec.parameters.a.b, window: 60 s, by: gateway)", Total("parameters.a.b", 60, TotalBy.GATEWAY)),
    ],
)
def test_a_total(written: str, total: Total) -> None:
    found = condition(written, "greater_than", "10.10")
    assert (found.field, found.total, found.value) == ("", total, Decimal("10.10"))


@pytest.mark.parametrize("prefix", ["", "action_spec."])
@pytest.mark.parametrize("name", ["type", "parameters.amount", "resource.a.0.b", "risk_hints.bulk", "request.host"])
def test_a_field(prefix: str, name: str) -> None:
    assert condition(f"{prefix}{name}", "exists").field == name


def test_a_list_of_conditions_means_all() -> None:
    text = "name: a\nrules:\n - name: b\n   decision: deny\n   conditions:\n    - {field: type, operator: exists}"
    assert read(text).rules[0].condition == All((model.Test("type", Operator.EXISTS, line=6),))


# --- what is given beside faults --------------------------------------------------------------------------------------


def test_a_scope_is_given_where_only_the_rest_is_faulty() -> None:
    parsed = parse_policy("name: a\nscope: {agents: [x]}\nrules: [{name: b, decision: maybe}]")
    assert parsed.policy is None
    assert parsed.scope == Scope(agents=("x",))
    assert len(parsed.diagnostics) == 1


@pytest.mark.parametrize(
    "text",
    [
        "name: a\nscope: {agent: [x]}\nrules: [{name: b, decision: deny}]",
        "name: a\nscope: {agents: [x], agents: [y]}\nrules: [{name: b, decision: deny}]",
        "name: a\nscope: {agents: [x]}\nscope: {agents: [y]}\nrules: [{name: b, decision: deny}]",
        "name: a\nscope: {action_types: ['a..b']}\nrules: [{name: b, decision: deny}]",
        "name: a\nscope: [x]\nrules: [{name: b, decision: deny}]",
        "name: [\nscope: {agents: [x]}",
        "",
    ],
)
def test_no_scope_is_given_where_it_is_faulty(text: str) -> None:
    parsed = parse_policy(text)
    assert parsed == Parsed(None, None, parsed.diagnostics, text)
    assert parsed.diagnostics


def test_groups_are_checked_where_they_are_known() -> None:
    asked = "requires_approval, approval: {approver_groups: [security-taem]}"
    text = f"name: a\nrules: [{{name: b, decision: {asked}}}]"
    assert read(text).rules[0].approval == Requirement(groups=("security-taem",))
    (fault,) = parse_policy(text, Known(frozenset({"security-team", "finance"}))).diagnostics
    assert str(fault) == "2:77: no group `security-taem`; did you mean `security-team`?"
    (fault,) = parse_policy(text, Known(frozenset())).diagnostics
    assert fault.help == "make it first: `tf groups add`"


# --- limits -----------------------------------------------------------------------------------------------------------


def of_condition(text: str) -> tuple[str, ...]:
    parsed = parse_policy(f"name: a\nrules: [{{name: b, decision: deny, conditions: {text}}}]")
    return tuple(fault.message for fault in parsed.diagnostics)


TEST = "{field: parameters.a, operator: exists}"


def test_conditions_are_so_deep_and_no_deeper() -> None:
    assert of_condition("{not: " * MAX_DEPTH + TEST + "}" * MAX_DEPTH) == ()
    assert of_condition("{any: [" * MAX_DEPTH + TEST + "]}" * MAX_DEPTH) == ()
    deeper = MAX_DEPTH + 1
    assert of_condition("{not: " * deeper + TEST + "}" * deeper) == ("conditions more than 16 deep",)


def test_a_rule_has_so_many_tests_and_no_more() -> None:
    assert of_condition("{any: [" + f"{TEST}," * limits.TESTS + "]}") == ()
    halves = "[" + f"{TEST}," * (limits.TESTS // 2) + "]"
    assert of_condition(f"{{any: [{{all: {halves}}}, {{all: {halves}}}, {TEST}, {TEST}]}}") == (
        "more than 200 tests in a rule",
    )


def test_a_policy_has_so_many_rules_and_no_more() -> None:
    def rules(number: int) -> tuple[str, ...]:
        text = "".join(f"  - {{name: r{each}, decision: deny}}\n" for each in range(number))
        return tuple(fault.message for fault in parse_policy(f"name: a\nrules:\n{text}").diagnostics)

    assert rules(limits.RULES) == ()
    assert rules(limits.RULES + 1) == ("`rules` has 201 entries",)


@pytest.mark.parametrize(
    ("operator", "value", "message"),
    [
        ("in", "[" + "a," * (limits.VALUES + 1) + "]", "the value of `in` has 1001 entries"),
        ("equals", "a" * (limits.TEXT + 1), "a value of 2001 characters"),
        ("glob", "a" * (limits.TEXT + 1), "the value of `glob` has 2001 characters"),
        ("matches", "a" * (limits.PATTERN + 1), "the value of `matches` has 1001 characters"),
    ],
)
def test_a_value_is_so_large_and_no_larger(operator: str, value: str, message: str) -> None:
    assert of_condition(f"{{field: parameters.a, operator: {operator}, value: {value}}}") == (message,)


def test_a_policy_has_so_many_expressions_and_no_more() -> None:
    one = "{field: parameters.a, operator: matches, value: a},"
    assert of_condition("[" + one * limits.PATTERNS + "]") == ()
    assert of_condition("[" + one * (limits.PATTERNS + 5) + "]") == ("more than 50 expressions",)


def test_a_field_is_so_long_and_no_longer() -> None:
    assert of_condition(f"{{field: parameters.{'a' * 300}, operator: exists}}") == ("`field` has 311 characters",)
    assert "more than 16 deep" in of_condition(f"{{field: parameters{'.a' * 20}, operator: exists}}")[0]


@pytest.mark.parametrize("name", ["localtime", "Factory", "posixrules", "../etc/passwd", "utc", ""])
def test_a_time_zone_is_one_that_means_the_same_everywhere(name: str) -> None:
    told = of_condition(f'{{operator: time_between, value: {{days: mon, timezone: "{name}"}}}}')
    assert told == (f"no time zone `{name}`" if name else "`timezone` is empty",)
