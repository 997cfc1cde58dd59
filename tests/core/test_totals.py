"""What a request adds to a running total, and what a total is kept under."""

from __future__ import annotations

from decimal import Decimal
from fractions import Fraction
from itertools import combinations
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.support.judging import compiled, policy

from tameflare.core.action import Action
from tameflare.core.config import PolicyConfig
from tameflare.core.decision import Reason, Verdict
from tameflare.core.judge import adds, decide
from tameflare.core.policy import model
from tameflare.core.policy.facts import Circumstances
from tameflare.core.policy.model import All, AnyOf, Condition, Not, Operator, Total, TotalBy
from tameflare.core.totals import (
    LARGEST,
    PLACES,
    UNREADABLE,
    Account,
    add,
    amount,
    amounts,
    checked,
    key,
    owned,
    subtract,
    text,
)

DAY = Total("parameters.amount", 86400)
ACCOUNT = Account("gtw_1", "agt_1", "stripe")


def refund(**parameters: Any) -> Action:
    return Action("stripe.refund.create", {"charge": "ch_1"}, parameters)


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (500, Decimal(500)),
        (0, Decimal(0)),
        (2**53 + 1, Decimal(2**53 + 1)),
        (0.1, Decimal("0.1")),
        (Decimal("19.99"), Decimal("19.99")),
        (1e17, Decimal(10) ** 17),
    ],
)
def test_an_amount_is_taken_as_it_is_written(value: object, expected: Decimal) -> None:
    assert amount(refund(amount=value), "parameters.amount") == expected


@pytest.mark.parametrize(
    "value",
    [None, "500", True, [500], {"value": 500}, -1, -0.5, 10**18, 1e300, 1e-19, float("nan"), float("inf"),
     Decimal("-Infinity"), Decimal("0.1234567890123456789")],
)  # fmt: skip
def test_what_cannot_be_added_up_is_no_amount(value: object) -> None:
    assert amount(refund(amount=value), "parameters.amount").is_nan()


def test_an_amount_may_be_absent_or_lie_deep() -> None:
    assert amount(refund(), "parameters.amount").is_nan()
    assert amount(refund(line={"cost": {"cents": 7}}), "parameters.line.cost.cents") == 7
    assert amount(refund(line=7), "parameters.line.cost").is_nan()
    assert amount(Action("x.y.z", {"size": 3}, {}), "resource.size") == 3


def test_an_amount_under_two_names_that_differ_in_case_is_none() -> None:
    assert amount(refund(amount=1, Amount=9), "parameters.amount").is_nan()


def test_all_actions_of_a_request_count_and_one_without_an_amount_spoils_it() -> None:
    hour = Total("parameters.fee", 3600)
    both = [refund(amount=5, fee=1), refund(amount=7)]
    found = amounts(both, lambda action: (DAY, hour) if "fee" in action.parameters else (DAY,))
    assert found == {DAY: 12, hour: 1}
    assert amounts([refund(amount=5), refund()], lambda _: (DAY,))[DAY].is_nan()
    assert amounts(both, lambda _: ()) == {}


def test_each_owner_rule_window_and_field_has_a_total_of_its_own() -> None:
    accounts = [ACCOUNT, Account("gtw_1", "agt_2", "stripe"), Account("gtw_1", "agt_1", "other"),
                Account("gtw_2", "agt_1", "stripe")]  # fmt: skip
    totals = [Total("parameters.amount", 86400, by, of) for by in TotalBy for of in ("a:b", "a:c")]
    shared = {TotalBy.AGENT: 3, TotalBy.GATEWAY: 2, TotalBy.CONNECTOR: 3, TotalBy.ALL: 1}
    for total in totals:
        assert len({key(total, account) for account in accounts}) == shared[total.by]
    for one, other in combinations([*totals, DAY, Total("parameters.amount", 3600), Total("parameters.fee", 3600)], 2):
        assert key(one, ACCOUNT) != key(other, ACCOUNT)


def test_names_cannot_be_put_together_to_another_key() -> None:
    one = key(Total("f", 60, TotalBy.CONNECTOR), Account("a", "x", 'b","c'))
    other = key(Total("f", 60, TotalBy.CONNECTOR), Account('a","b', "x", "c"))
    assert one != other


def test_the_totals_of_a_rule_know_whose_they_are() -> None:
    def test(of: str) -> Condition:
        bare = model.Test("", Operator.GREATER_THAN, 5, Total("parameters.amount", 60, of=of))
        other = model.Test("type", Operator.EQUALS, "x")
        return All((other, AnyOf((Not(bare), bare))))

    assert owned(test(""), "policy:rule") == test("policy:rule")


NUMBERS = st.decimals(0, LARGEST - 1, places=PLACES)


@given(st.lists(NUMBERS, max_size=30))
def test_sums_are_exact_and_come_back_from_their_text(numbers: list[Decimal]) -> None:
    total = Decimal(0)
    for number in numbers:
        assert checked(number) == number
        total = add(total, number)
    assert Fraction(total) == sum(map(Fraction, numbers))
    assert Decimal(text(total)) == total
    assert "E" not in text(total)
    for number in reversed(numbers):
        total = subtract(total, number)
    assert total == 0
    assert add(total, UNREADABLE).is_nan()


# --- what counts ------------------------------------------------------------------------------------------------------

AMOUNTS = '{field: "total(parameters.amount, window: 1d)", operator: greater_than, value: 5}'
USD = "{field: parameters.currency, operator: equals, value: usd}"
MUCH = "{field: parameters.amount, operator: greater_than, value: 500}"


@pytest.mark.parametrize(
    ("condition", "parameters", "counts"),
    [
        (AMOUNTS, {"amount": 7}, True),
        (f"{{all: [{USD}, {AMOUNTS}]}}", {"amount": 7, "currency": "usd"}, True),
        (f"{{all: [{USD}, {AMOUNTS}]}}", {"amount": 7, "currency": "eur"}, False),
        (f"{{all: [{USD}, {AMOUNTS}]}}", {"amount": 7, "currency": 5}, True),  # nobody can tell
        (f"{{any: [{MUCH}, {AMOUNTS}]}}", {"amount": 700}, True),  # true without it, and it may happen all the same
        (f"{{not: {{all: [{USD}, {AMOUNTS}]}}}}", {"amount": 7, "currency": "eur"}, False),
        (f"{{not: {{all: [{USD}, {AMOUNTS}]}}}}", {"amount": 7, "currency": "usd"}, True),
        (f"{{all: [{{any: [{MUCH}, {USD}]}}, {AMOUNTS}]}}", {"amount": 7, "currency": "eur"}, False),
        (f"{{all: [{{field: type, operator: equals, value: github.x.y}}, {AMOUNTS}]}}", {"amount": 7}, False),
    ],
)
def test_an_action_counts_where_no_test_beside_the_total_leaves_it_out(
    condition: str, parameters: dict[str, Any], counts: bool
) -> None:
    found = adds(*compiled(policies=(policy(Verdict.DENY, condition),)), [refund(**parameters)], Circumstances(0.0))
    total = Total("parameters.amount", 86400, of="p:r")
    assert found == ({total: Decimal(parameters["amount"])} if counts else {})


def test_two_rules_have_two_totals_and_no_policy_none() -> None:
    one = policy(Verdict.DENY, AMOUNTS)
    other = one.replace("name: p", "name: q").replace("name: r", "name: s")
    stored = (PolicyConfig("1", "p", 1, one), PolicyConfig("2", "q", 1, other))
    found = adds(*compiled(policies=stored), [refund(amount=7)], Circumstances(0.0))
    assert {total.of for total in found} == {"p:r", "q:s"}
    assert adds(*compiled(), [refund(amount=7)], Circumstances(0.0)) == {}


def test_without_an_amount_the_rule_is_an_error_and_unknown_is_another_one() -> None:
    place = compiled(rules={"**": Verdict.ALLOW}, policies=(policy(Verdict.DENY, AMOUNTS),))
    missing = adds(*place, [refund()], Circumstances(0.0))
    assert decide(*place, [refund()], Circumstances(0.0, totals=missing)).reason is Reason.ENGINE_ERROR
    unknown = decide(*place, [refund(amount=7)], Circumstances(0.0, totals={}))
    assert (unknown.verdict, unknown.reason) == (Verdict.DENY, Reason.TOTAL_UNAVAILABLE)
    (total,) = missing
    assert decide(*place, [refund(amount=5)], Circumstances(0.0, totals={total: Decimal(5)})).allowed
    assert decide(*place, [refund(amount=5)], Circumstances(0.0, totals={total: Decimal("5.01")})).reason is (
        Reason.POLICY_DENY
    )
