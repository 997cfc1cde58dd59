"""Every example of the page on policies, tried; and every operator, field, key and limit has its place there."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from tameflare.cli.policy_files import text_of
from tameflare.cli.trial_actions import read_action
from tameflare.cli.trial_files import parse_trials
from tameflare.cli.trial_runs import judged, run_file
from tameflare.core.decision import Reason, Verdict
from tameflare.core.policy import limits, packs, schema
from tameflare.core.policy.field_names import FIXED, OPEN
from tameflare.core.policy.model import Operator
from tameflare.core.policy.parse import parse_policy

PAGE = (Path(__file__).parents[2] / "docs/reference/policies.md").read_text("utf-8")
BLOCKS = re.findall(r"^```yaml\n(.*?)^```\n((?:\n(?:\|[^\n]*\n)+)?)", PAGE, re.MULTILINE | re.DOTALL)
EXAMPLES = [
    (condition, head, action, result)
    for condition, table in BLOCKS
    if table
    for head in re.findall(r"^\| (\w+) \|", table, re.MULTILINE)[:1]
    for action, result in re.findall(r"^\| `(.*)` \| (true|false|error) \|$", table, re.MULTILINE)
]


def policy_of(condition: str) -> str:
    indented = "".join(f"      {line}\n" for line in condition.splitlines())
    return f"name: example\nrules:\n  - name: example\n    decision: allow\n    conditions:\n{indented}"


@pytest.mark.parametrize(("condition", "head", "action", "result"), EXAMPLES)
def test_an_example_of_a_condition(condition: str, head: str, action: str, result: str) -> None:
    parsed = parse_policy(policy_of(condition))
    assert parsed.diagnostics == ()
    asked = read_action(action if head == "action" else f"type: shop.order\nparameters: {action}", 1)
    got = judged(asked, [("page", parsed)])
    expected = {"true": Reason.POLICY_ALLOW, "error": Reason.ENGINE_ERROR, "false": None}[result]
    assert (None if got.verdict is None else got.reason) == expected, got.message
    assert (got.verdict is Verdict.DENY) is (result == "error")


def test_no_example_is_left_out() -> None:
    rows = re.findall(r"^\| `\{.*\| (?:true|false|error) \|$", PAGE, re.MULTILINE)
    assert len(EXAMPLES) == len(rows) > 80
    assert {head for _, head, _, _ in EXAMPLES} == {"action", "parameters"}


@pytest.mark.parametrize("block", [block for block, table in BLOCKS if not table])
def test_an_example_without_a_table_can_be_read(block: str) -> None:
    text = block if block.startswith("name:") else policy_of(block)
    assert parse_policy(text).diagnostics == ()


@pytest.mark.parametrize("block", re.findall(r"^```policytest\n(.*?)^```", PAGE, re.MULTILINE | re.DOTALL))
def test_an_example_of_a_trial(block: str) -> None:
    results = run_file(parse_trials(block, "page.policytest", text_of))
    assert results
    assert [f"{each.problem}\n{each.got}" for each in results if each.problem] == []


@pytest.mark.parametrize("operator", Operator)
def test_an_operator_has_its_heading_and_an_example_of_each_kind(operator: Operator) -> None:
    assert re.search(rf"^### .*`{operator.value}`", PAGE, re.MULTILINE)
    used = re.compile(rf"operator: {operator.value}\b")
    results = {result for condition, _, _, result in EXAMPLES if used.search(condition)}
    assert {"true", "false"} <= results


def test_every_field_and_key_is_told() -> None:
    told = set(re.findall(r"`([\w.…-]+)`", PAGE))
    assert set(FIXED) <= told
    assert {f"{root}.…" for root in OPEN} <= told
    assert {*schema.POLICY, *schema.SCOPE, *schema.RULE, *schema.APPROVAL} <= told | {"metadata"}
    assert set(packs.names()) <= told


def test_the_limits_are_those_of_the_code() -> None:
    written = {int(number.replace(",", "")) for number in re.findall(r"\d[\d,]*", PAGE.partition("## Limits")[2])}
    days = limits.TIMEOUT[1] // 86_400
    known = {limits.SOURCE, limits.NODES, limits.RULES, limits.PATTERNS, limits.TESTS, limits.MAX_DEPTH, limits.VALUES}
    known |= {limits.TEXT, limits.PATTERN, limits.PATTERN_MEMORY >> 20, limits.FIELD, limits.STARS, limits.GROUPS}
    assert written == known | {limits.QUORUM, limits.TIMEOUT[0], days, limits.FAULTS, limits.FILE}
