"""Policies and facts from a world so small that they meet often, with all that is odd about values in it."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import msgspec
from hypothesis import strategies as st

from tameflare.core import totals
from tameflare.core.action import Action, Effect, Risk
from tameflare.core.approval import Requirement
from tameflare.core.decision import Verdict
from tameflare.core.policy import model
from tameflare.core.policy.facts import Circumstances, Facts, RequestFacts
from tameflare.core.policy.model import Operator
from tameflare.core.policy.windows import Window

BIG = 2**53
SCALARS: list[Any] = [
    "main", "ma", "", "1", "10.1.2.3", "::ffff:10.1.2.3", "2001:db8::1", "a.b\nc", "MAIN",
    0, 1, 5, -3, BIG, BIG + 1, 1.0, 0.1, 5.5, float(BIG), Decimal("0.1"), Decimal(5), True, False,
]  # fmt: skip
ODD: list[Any] = [None, float("nan"), float("inf"), Decimal("NaN"), b"main", ("main",)]
LISTS: list[Any] = [[], ["main", "dev"], [1, "1"], [None], [{"name": "main"}], [True, 0.1], [float("nan"), 5]]
VALUES: list[Any] = [*SCALARS, *ODD, *LISTS, {}, {"b": "main"}, {"b": None}, {"b": {"c": 5}}, {"0": "main"}]
WANTED: list[Any] = ["main", "ma", "1", "", 1, 5, 0.1, BIG, BIG + 1, 1.0, Decimal("0.1"), True, False]
PATTERNS = ["^ma", "in$", ".", "^$", "a.b", "(?i)main", r"\d+"]
GLOBS = ["*", "main", "m*", "*n", "m*n", "*a*i*", "????", "m?*n", "", "a*c", "[m]*"]
NETWORKS = ["10.0.0.0/8", "::/0", "2001:db8::/32", "0.0.0.0/0", "10.1.2.3/32"]
WINDOWS = [
    Window(), Window(540, 1020), Window(540, 1020, (0, 1, 2, 3, 4)), Window(1320, 360, (4,)), Window(0, 0, (6,)),
    Window(540, 540, (0,)), Window(1320, 360, (), "Asia/Tokyo"), Window(120, 180, (6,), "Europe/Berlin"),
]  # fmt: skip
TYPES = ["github.pr.merge", "github.pr.create", "github.unknown.post", "stripe.refund.create", "email.send"]
TOTALS = [model.Total("parameters.amount", 86400), model.Total("parameters.amount", 3600, model.TotalBy.ALL)]
FIELDS = [
    "type", "risk", "effect", "gateway", "connector", "agent.id", "agent.name", "agent.environment", "parameters.a",
    "parameters.a.b", "parameters.a.0", "parameters.a.b.c", "parameters.z", "resource.environment", "resource.a",
    "risk_hints.h", "request.method", "request.port", "request.query", "time.hour", "time.weekday", "time.date",
]  # fmt: skip
WORDS = ["main", "bot", "production", "staging", "github", "low", "read", "GET", "monday", "2026-03-29", *TYPES]


def value_for(operator: Operator) -> st.SearchStrategy[Any]:
    """What an operator may be asked to compare with."""
    scalar = st.sampled_from([*WANTED, *WORDS])
    text = st.sampled_from(["main", "ma", "", "n", "10.", *WORDS])
    numbers = st.sampled_from([0, 1, 5, 0.1, 5.5, BIG, BIG + 1, Decimal("0.1"), 12, 443])
    match operator:
        case Operator.EXISTS | Operator.NOT_EXISTS:
            return st.none()
        case Operator.IN | Operator.NOT_IN:
            return st.lists(scalar, min_size=1, max_size=3).map(tuple)
        case Operator.BETWEEN:
            return st.tuples(numbers, numbers).map(lambda ends: tuple(sorted(ends)))
        case Operator.GREATER_THAN | Operator.GREATER_THAN_OR_EQUAL | Operator.LESS_THAN | Operator.LESS_THAN_OR_EQUAL:
            return numbers | text
        case Operator.MATCHES:
            return st.sampled_from(PATTERNS)
        case Operator.GLOB:
            return st.sampled_from([*GLOBS, "github.*"])
        case Operator.STARTS_WITH | Operator.ENDS_WITH:
            return text
        case Operator.CIDR:
            return st.lists(st.sampled_from(NETWORKS), min_size=1, max_size=2).map(tuple)
        case Operator.TIME_BETWEEN:
            return st.sampled_from(WINDOWS)
    return scalar


@st.composite
def tests(draw: st.DrawFn) -> model.Test:
    operator = draw(st.sampled_from(Operator))
    value = draw(value_for(operator))
    if operator is Operator.TIME_BETWEEN:
        return model.Test("time", operator, value)
    if operator not in (Operator.EXISTS, Operator.NOT_EXISTS) and draw(st.integers(0, 9)) == 0:
        return model.Test("", operator, value, draw(st.sampled_from(TOTALS)))
    return model.Test(draw(st.sampled_from(FIELDS)), operator, value)


CONDITIONS: st.SearchStrategy[model.Condition] = st.recursive(
    tests(),
    lambda part: (
        st.lists(part, max_size=3).map(lambda parts: model.All(tuple(parts)))
        | st.lists(part, max_size=3).map(lambda parts: model.AnyOf(tuple(parts)))
        | part.map(model.Not)
    ),
    max_leaves=5,
)
REQUIREMENTS = st.sampled_from([None, Requirement(groups=("security",)), Requirement(quorum=2)])


@st.composite
def rules(draw: st.DrawFn, policy: str, name: str) -> model.Rule:
    condition = totals.owned(draw(CONDITIONS), f"{policy}:{name}")
    if draw(st.booleans()):  # what the index looks for
        first = model.Test("type", Operator.EQUALS, draw(st.sampled_from(TYPES)))
        condition = model.All((first, condition))
    score = draw(st.none() | st.integers(0, 100))
    decision = draw(st.sampled_from(Verdict))
    return model.Rule(name, condition, decision, "", score, draw(REQUIREMENTS))


def some(words: list[str]) -> st.SearchStrategy[tuple[str, ...]]:
    return st.just(()) | st.lists(st.sampled_from(words), min_size=1, max_size=2).map(tuple)


SCOPES = st.builds(
    model.Scope,
    some(["bot", "b*", "?ot", "other"]),
    some(["production", "staging"]),
    some(["**", "github.*", "*.pr.merge", "github.unknown.*", "stripe.refund.create", "git*.pr.*", "*"]),
    some(["main", "m*", "other"]),
    some(["github", "*hub", "stripe"]),
)


@st.composite
def policies(draw: st.DrawFn, number: int) -> model.Policy:
    found = tuple(draw(rules(f"p{number}", f"r{index}")) for index in range(draw(st.integers(1, 3))))
    priority = draw(st.sampled_from([1, 100]))
    scope = draw(st.just(model.EVERYTHING) | SCOPES)
    return model.Policy(f"p{number}", found, "", draw(st.integers(0, 9)) > 0, priority, scope)


@st.composite
def policy_sets(draw: st.DrawFn, most: int = 4) -> list[model.Policy]:
    return [draw(policies(number)) for number in range(draw(st.integers(1, most)))]


MAPPINGS = st.fixed_dictionaries({}, optional={"a": st.sampled_from(VALUES), "amount": st.just(5)})
RESOURCES = st.fixed_dictionaries(
    {}, optional={"a": st.sampled_from(VALUES), "environment": st.sampled_from(["production", "staging", None, 5])}
)
REQUESTS = st.builds(
    RequestFacts, st.sampled_from(["GET", "POST"]), st.just("https"), st.just("api.github.com"),
    st.sampled_from([443, 8443]), st.just("/"), st.sampled_from(["", "a=1"]),
)  # fmt: skip
MOMENTS = st.sampled_from([0.0, 1774745999.0, 1774746000.0, 1792890000.0, 1792893600.0]) | st.integers(
    1767225600, 1798761600
).map(float)
HINTS = st.fixed_dictionaries({}, optional={"h": st.sampled_from(VALUES)})
AMOUNTS = st.sampled_from([Decimal(5), Decimal("0.1"), Decimal("NaN")])


def of_every_rule(sums: dict[model.Total, Decimal]) -> dict[model.Total, Decimal]:
    """Each rule has totals of its own."""
    rules = [f"p{policy}:r{rule}" for policy in range(4) for rule in range(3)]
    return {msgspec.structs.replace(total, of=rule): found for rule in rules for total, found in sums.items()}


SUMS = st.none() | st.fixed_dictionaries({}, optional=dict.fromkeys(TOTALS, AMOUNTS)).map(of_every_rule)
CIRCUMSTANCES = st.builds(Circumstances, MOMENTS, st.none() | REQUESTS, HINTS, SUMS)
ACTIONS = st.builds(Action, st.sampled_from(TYPES), RESOURCES, MAPPINGS, st.sampled_from(Risk), st.sampled_from(Effect))
FACTS = st.builds(
    Facts, ACTIONS, st.just("agent-1"), st.sampled_from(["bot", "main"]), st.sampled_from(["production", "staging"]),
    st.sampled_from(["main", "other"]), st.sampled_from(["github", "stripe"]), CIRCUMSTANCES,
)  # fmt: skip
