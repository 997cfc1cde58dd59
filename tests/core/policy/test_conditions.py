"""Each operator, by what it says of values of every kind: True, False, or None where it cannot be said."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest
from tests.model.naive_judge import ERROR, FALSE, TRUE, compare, kind
from tests.model.policies import NETWORKS, PATTERNS, VALUES, WANTED

from tameflare.core.errors import InvalidValue
from tameflare.core.policy import model
from tameflare.core.policy.fields import NO_FACTS, Seen, settle
from tameflare.core.policy.model import Operator, Total
from tameflare.core.policy.operators import probe

BIG = 2**53
TABLE = [
    # operator       wanted            value                  holds
    ("equals",       "main",           "main",                True),
    ("equals",       "main",           "Main",                False),
    ("equals",       "main",           None,                  False),
    ("equals",       "main",           ["main"],              None),
    ("equals",       1,                "1",                   None),
    ("equals",       1,                True,                  None),
    ("equals",       1,                1.0,                   True),
    ("equals",       True,             True,                  True),
    ("equals",       True,             1,                     None),
    ("equals",       True,             "true",                None),
    ("equals",       BIG + 1,          BIG,                   False),
    ("equals",       BIG + 1,          float(BIG),            False),
    ("equals",       0.1,              Decimal("0.1"),        True),
    ("equals",       5,                float("nan"),          None),
    ("equals",       "main",           b"main",               None),
    ("not_equals",   "main",           "dev",                 True),
    ("not_equals",   "main",           None,                  True),
    ("not_equals",   "main",           5,                     None),
    ("not_equals",   1,                2,                     True),
    ("in",           ("a", "b"),       "b",                   True),
    ("in",           ("a", "b"),       "c",                   False),
    ("in",           ("a", "b"),       1,                     None),
    ("in",           ("a", 1),         1,                     True),
    ("in",           ("a", 1),         True,                  None),
    ("not_in",       ("a", "b"),       None,                  True),
    ("not_in",       ("a", "b"),       "a",                   False),
    ("contains",     "ai",             "main",                True),
    ("contains",     "x",              "main",                False),
    ("contains",     5,                "5",                   None),
    ("contains",     "bug",            ["new", "bug"],        True),
    ("contains",     "bug",            [],                    False),
    ("contains",     "bug",            [None],                False),
    ("contains",     "bug",            [{"name": "bug"}],     None),
    ("contains",     "bug",            [1, "bug"],            True),
    ("contains",     5,                [float("nan")],        None),
    ("contains",     "bug",            {"bug": 1},            None),
    ("not_contains", "bug",            ["new"],               True),
    ("starts_with",  "ma",             "main",                True),
    ("starts_with",  "in",             "main",                False),
    ("starts_with",  "1",              10,                    None),
    ("ends_with",    "in",             "main",                True),
    ("ends_with",    "ma",             "main",                False),
    ("matches",      "^ma.n$",         "main",                True),
    ("matches",      "a",              "main",                True),
    ("matches",      "^a",             "main",                False),
    ("matches",      "^main$",         "main\n",              False),
    ("matches",      "main",           5,                     None),
    ("matches",      "^.$",            "\ud800",              None),
    ("glob",         "*.example.com",  "api.example.com",     True),
    ("glob",         "*.example.com",  "example.com",         False),
    ("glob",         "a*b*c",          "a/b.b/c",             True),
    ("glob",         "a*b*c",          "acb",                 False),
    ("glob",         "*ab*ba*",        "aba",                 False),
    ("glob",         "ab*ab",          "ab",                  False),
    ("glob",         "a*aa*a",         "aaa",                 False),
    ("glob",         "m?in",           "main",                True),
    ("glob",         "m?in*",          "min",                 False),
    ("glob",         "?",              "\n",                  True),
    ("glob",         "[ab]",           "a",                   False),
    ("glob",         "main",           "main",                True),
    ("glob",         "?",              "\ud800",              None),
    ("greater_than", 5,                6,                     True),
    ("greater_than", 5,                5,                     False),
    ("greater_than", 5,                5.5,                   True),
    ("greater_than", 5,                "6",                   None),
    ("greater_than", 5,                True,                  None),
    ("greater_than", 5,                None,                  False),
    ("greater_than", 5,                float("inf"),          None),
    ("greater_than", BIG,              BIG + 1,               True),
    ("greater_than", "2026-01-01",     "2026-11-22",          True),
    ("greater_than", "2026-01-01",     20261122,              None),
    ("greater_than_or_equal", 5,       5,                     True),
    ("greater_than_or_equal", 0.1,     Decimal("0.1"),        True),
    ("greater_than_or_equal", 5,       4,                     False),
    ("less_than",    5,                4,                     True),
    ("less_than",    5,                5,                     False),
    ("less_than",    5,                None,                  False),
    ("less_than_or_equal", 5,          5,                     True),
    ("less_than_or_equal", 5,          6,                     False),
    ("between",      (5, 10),          5,                     True),
    ("between",      (5, 10),          10,                    True),
    ("between",      (5, 10),          10.5,                  False),
    ("between",      (5, 10),          4,                     False),
    ("between",      (5, 10),          "7",                   None),
    ("between",      (5, 10),          None,                  False),
    ("exists",       None,             "",                    True),
    ("exists",       None,             0,                     True),
    ("exists",       None,             None,                  False),
    ("exists",       None,             float("nan"),          None),
    ("not_exists",   None,             None,                  True),
    ("not_exists",   None,             [],                    False),
    ("cidr",         ("10.0.0.0/8",),  "10.1.2.3",            True),
    ("cidr",         ("10.0.0.0/8",),  "11.1.2.3",            False),
    ("cidr",         ("10.0.0.0/8",),  "::ffff:10.1.2.3",     True),
    ("cidr",         ("10.0.0.0/8",),  "2001:db8::1",         False),
    ("cidr",         ("::ffff:10.0.0.0/104",), "10.1.2.3",    True),
    ("cidr",         ("::/0",),        "10.1.2.3",            False),
    ("cidr",         ("::/0", "10.0.0.0/8"), "10.1.2.3",      True),
    ("cidr",         ("10.0.0.0/8",),  "example.com",         None),
    ("cidr",         ("10.0.0.0/8",),  "10.1.2.3:80",         None),
    ("cidr",         ("10.0.0.0/8",),  167837955,             None),
    ("cidr",         ("10.0.0.0/8",),  "1" * 101,             None),
]  # fmt: skip


def says(operator: str, wanted: Any, value: Any) -> bool | None:
    """What a test of `parameters.a` says where that is `value`."""
    found = probe(model.Test("parameters.a", Operator(operator), wanted), None)
    seen = Seen(NO_FACTS, {})
    seen["parameters.a"] = settle(value)
    return found.check(seen)


@pytest.mark.parametrize(("operator", "wanted", "value", "holds"), TABLE)
def test_an_operator_says(operator: str, wanted: Any, value: Any, holds: bool | None) -> None:
    assert says(operator, wanted, value) is holds


def test_every_operator_is_in_the_table() -> None:
    assert {operator for operator, *_ in TABLE} == {each.value for each in Operator} - {"time_between"}


WANTED_BY: dict[str, list[Any]] = {
    "equals": WANTED,
    "in": [("main", "x"), (1, "main"), (True,), (0.1, BIG)],
    "contains": WANTED,
    "greater_than": [0, 5, 0.1, BIG, "main", Decimal("0.1")],
    "greater_than_or_equal": [0, 5, 0.1, BIG, "main", Decimal("0.1")],
    "less_than": [0, 5, 0.1, BIG, "main", Decimal("0.1")],
    "less_than_or_equal": [0, 5, 0.1, BIG, "main", Decimal("0.1")],
    "between": [(0, 5), (0.1, BIG), ("a", "n")],
    "starts_with": ["ma", "", "1"],
    "ends_with": ["in", ""],
    "matches": PATTERNS,
    "glob": ["*", "m*", "*n", "m*n", "????", "m?*n", ""],
    "cidr": [(each,) for each in NETWORKS],
    "exists": [None],
}
TRUTHS = {TRUE: True, FALSE: False, ERROR: None}


def naively(operator: str, wanted: Any, value: Any) -> int:
    if value is None:
        return FALSE
    return ERROR if kind(value) is None else compare(operator, value, wanted)


@pytest.mark.parametrize("operator", WANTED_BY)
def test_every_value_compares_as_the_naive_judge_says(operator: str) -> None:
    for wanted in WANTED_BY[operator]:
        for value in VALUES:
            assert says(operator, wanted, value) is TRUTHS[naively(operator, wanted, value)], (wanted, value)


@pytest.mark.parametrize(
    "test",
    [
        model.Test("parameters", Operator.EXISTS),
        model.Test("parameters..a", Operator.EXISTS),
        model.Test("time.second", Operator.EQUALS, 5),
        model.Test("nothing", Operator.EXISTS),
        model.Test("parameters.a", Operator.EQUALS, None),
        model.Test("parameters.a", Operator.EQUALS, float("nan")),
        model.Test("parameters.a", Operator.EQUALS, ["a"]),
        model.Test("parameters.a", Operator.EQUALS, {}),
        model.Test("parameters.a", Operator.IN, "abc"),
        model.Test("parameters.a", Operator.IN, ()),
        model.Test("parameters.a", Operator.IN, ("a", None)),
        model.Test("parameters.a", Operator.BETWEEN, (1, 2, 3)),
        model.Test("parameters.a", Operator.BETWEEN, (2, 1)),
        model.Test("parameters.a", Operator.BETWEEN, (1, "2")),
        model.Test("parameters.a", Operator.GREATER_THAN, True),
        model.Test("parameters.a", Operator.STARTS_WITH, 5),
        model.Test("parameters.a", Operator.MATCHES, "(?=a)"),
        model.Test("parameters.a", Operator.MATCHES, "("),
        model.Test("parameters.a", Operator.CIDR, ("10.0.0.0/33",)),
        model.Test("parameters.a", Operator.CIDR, (5,)),
        model.Test("parameters.a", Operator.TIME_BETWEEN, "9-17"),
        model.Test("", Operator.EXISTS, None, Total("parameters.amount", 60)),
    ],
)
def test_a_test_that_means_nothing_is_refused(test: model.Test) -> None:
    with pytest.raises(InvalidValue):
        probe(test, None)


def test_a_glob_of_many_stars_takes_no_longer_than_it_must() -> None:
    """Where stars are tried one after the other, this takes longer than anybody can wait."""
    assert says("glob", "*a" * 30 + "?b", "a" * 20_000) is False
    assert says("glob", "a*" * 30 + "b", "a" * 20_000) is False
    assert says("matches", "(a+)+b", "a" * 20_000) is False
