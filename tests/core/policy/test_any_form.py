"""Documents in which the words of policies stand anywhere: each is told what is wrong with it, or can be judged by."""

from __future__ import annotations

import json
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st
from tests.fuzz.policy_targets import policy

from tameflare.core.policy import schema
from tameflare.core.policy.field_names import FIXED
from tameflare.core.policy.model import Operator
from tameflare.core.policy.parse import parse_policy

KEYS = sorted(
    {*schema.POLICY, *schema.SCOPE, *schema.RULE, *schema.APPROVAL, *schema.DECISIONS}
    | {"field", "operator", "value", "all", "any", "not", "days", "hours", "timezone"}
)
FIELDS = [*FIXED, "parameters.amount", "resource.environment", "risk_hints.bulk", "time", "parameters.a.0"]
TOTALS = ["total(parameters.amount, window: 1d)", "total(resource.a, window: 2h, by: all)"]
WORDS = [
    "main",
    "low",
    "read",
    "monday",
    "09:00-17:00",
    "mon-fri",
    "UTC",
    "10.0.0.0/8",
    "^a*$",
    "2026-01-01",
    "*",
    "a?",
]
scalars = st.one_of(
    st.sampled_from([*KEYS, *FIELDS, *TOTALS, *WORDS, *Operator]),
    st.sampled_from([None, True, False, 0, -1, 1, 50, 3600, 10**30, 0.5, 1e300, "", "\x1b", "ä", "9" * 50]),
)
anything = st.recursive(
    scalars,
    lambda inside: st.lists(inside, max_size=3) | st.dictionaries(st.sampled_from(KEYS), inside, max_size=4),
    max_leaves=12,
)
values = anything | st.fixed_dictionaries(
    {}, optional={"days": st.sampled_from(WORDS), "hours": st.sampled_from(WORDS), "timezone": st.just("UTC")}
)
tests = st.fixed_dictionaries(
    {"field": st.sampled_from([*FIELDS, *TOTALS]), "operator": st.sampled_from([*Operator])}, optional={"value": values}
)
conditions = st.recursive(
    tests | anything,
    lambda inside: st.one_of(
        st.fixed_dictionaries({"all": st.lists(inside, max_size=3)}),
        st.fixed_dictionaries({"any": st.lists(inside, max_size=3)}),
        st.fixed_dictionaries({"not": inside}),
    ),
    max_leaves=6,
)
approvals = anything | st.fixed_dictionaries({"quorum": st.integers(0, 12), "approver_roles": st.just(["admin"])})
rules = st.fixed_dictionaries(
    {"name": st.sampled_from(["a", "b", "c d"]), "decision": st.sampled_from([*schema.DECISIONS, "ask"])},
    optional={"conditions": conditions, "approval": approvals, "risk_score": anything, "reason": scalars},
)
scopes = st.dictionaries(st.sampled_from(schema.SCOPE), st.lists(st.sampled_from(WORDS), max_size=2) | scalars)
policies = st.fixed_dictionaries(
    {"name": st.just("p"), "rules": st.lists(rules, max_size=3)},
    optional={"scope": scopes | anything, "metadata": anything, "enabled": scalars, "priority": scalars},
)


@settings(max_examples=100)
@given(policies | anything)
def test_any_form(document: Any) -> None:
    policy(json.dumps(document, ensure_ascii=False).encode())


@settings(max_examples=50)
@given(tests)
def test_what_is_no_fault_of_a_test_compiles(test: dict[str, Any]) -> None:
    text = json.dumps({"name": "p", "rules": [{"name": "r", "decision": "deny", "conditions": test}]})
    parsed = parse_policy(text)
    assert (parsed.policy is None) is bool(parsed.diagnostics)
    policy(text.encode())
