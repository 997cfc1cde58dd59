"""Fields: what each is in the facts of an action, what is absent, and what cannot be read."""

from __future__ import annotations

from datetime import UTC
from decimal import Decimal
from typing import Any

import pytest

from tameflare.core.action import Action, Effect, Risk
from tameflare.core.errors import InvalidValue
from tameflare.core.policy import field_names
from tameflare.core.policy.facts import Circumstances, Facts, RequestFacts
from tameflare.core.policy.fields import ABSENT, UNREADABLE, Seen, reader, settle, total_key
from tameflare.core.policy.model import Total, TotalBy

REQUEST = RequestFacts("POST", "https", "api.github.com", 443, "/repos", "a=1", "application/json", "curl/8")
RESOURCE = {"owner": {"login": "octo"}, "environment": "staging"}
FACTS = Facts(
    Action("github.pr.merge", RESOURCE, {"base": "main"}, Risk.HIGH, Effect.WRITE),
    "agent-1",
    "bot",
    "production",
    "main",
    "github",
    Circumstances(0.0, REQUEST, {"bulk": True}),
)  # fmt: skip
TABLE = [
    ("type", "github.pr.merge"), ("risk", "high"), ("effect", "write"), ("gateway", "main"), ("connector", "github"),
    ("agent.id", "agent-1"), ("agent.name", "bot"), ("agent.environment", "production"),
    ("parameters.base", "main"), ("parameters.head", ABSENT), ("resource.owner.login", "octo"),
    ("resource.environment", "staging"), ("risk_hints.bulk", True), ("risk_hints.other", ABSENT),
    ("request.method", "POST"), ("request.scheme", "https"), ("request.host", "api.github.com"), ("request.port", 443),
    ("request.path", "/repos"), ("request.query", "a=1"), ("request.content_type", "application/json"),
    ("request.user_agent", "curl/8"),
    ("time.year", 1970), ("time.month", 1), ("time.day", 1), ("time.hour", 0), ("time.minute", 0),
    ("time.weekday", "thursday"), ("time.date", "1970-01-01"),
]  # fmt: skip


def read(field: str, facts: Facts = FACTS) -> Any:
    return reader(field, UTC)(facts)


@pytest.mark.parametrize(("field", "value"), TABLE)
def test_a_field_is_read(field: str, value: Any) -> None:
    found = read(field)
    assert (found, type(found)) == (value, type(value))


def test_every_field_that_can_be_written_is_in_the_table() -> None:
    assert set(field_names.FIXED) <= {field for field, _ in TABLE}


@pytest.mark.parametrize(
    ("value", "path", "found"),
    [
        ({"b": {"c": 5}}, "b.c", 5),
        ({"b": {}}, "b.c", ABSENT),
        ({}, "b.c", ABSENT),
        ({"b": None}, "b.c", ABSENT),
        (None, "b.c", ABSENT),
        ({"b": "text"}, "b.c", UNREADABLE),
        ({"b": 5}, "b.c.d", UNREADABLE),
        ({"b.c": 5}, "b.c", ABSENT),
        (["x", {"n": 1}], "1.n", 1),
        (["x"], "0", "x"),
        (["x"], "1", ABSENT),
        ([None], "0", ABSENT),
        ([None], "0.n", ABSENT),
        (["x"], "-1", UNREADABLE),
        (["x"], "first", UNREADABLE),
        (["x"], "²", UNREADABLE),
        (["x"], "9" * 5000, UNREADABLE),
        ({"0": "x"}, "0", "x"),
        ({"b": float("nan")}, "b", UNREADABLE),
    ],
)
def test_a_path_goes_into_mappings_and_lists(value: Any, path: str, found: Any) -> None:
    facts = Facts(Action("x.y.z", {}, {"a": value}), "", "", "", "", "", Circumstances(0.0))
    assert read(f"parameters.a.{path}", facts) == found


@pytest.mark.parametrize("field", ["request.method", "request.port", "request.query"])
def test_without_a_request_its_fields_are_absent(field: str) -> None:
    assert read(field, Facts(FACTS.action, "", "", "", "", "", Circumstances(0.0))) is ABSENT


def test_what_a_request_does_not_have_is_absent() -> None:
    bare = RequestFacts("GET", "https", "api.github.com", 443, "/")
    facts = Facts(FACTS.action, "", "", "", "", "", Circumstances(0.0, bare))
    assert [read(f"request.{part}", facts) for part in ("query", "content_type", "user_agent")] == [ABSENT] * 3


@pytest.mark.parametrize("value", ["", 0, False, [], {}, 2**99, 0.5, Decimal("0.1")])
def test_a_value_is_what_it_is(value: Any) -> None:
    assert settle(value) is value


@pytest.mark.parametrize("value", [float("nan"), float("-inf"), Decimal("NaN"), Decimal("Infinity"), b"", (), {1}])
def test_what_no_json_holds_cannot_be_read(value: Any) -> None:
    assert settle(value) is UNREADABLE


@pytest.mark.parametrize(
    "field", ["", "parameters", "parameters.", "parameters..a", "agent", "agent.key", "time.second", "Type"]
)
def test_a_field_that_there_is_not_is_refused(field: str) -> None:
    with pytest.raises(InvalidValue, match="no field"):
        reader(field, None)


def test_a_field_is_read_once_however_often_it_is_asked_for() -> None:
    asked: list[str] = []
    seen = Seen(FACTS, {"type": lambda facts: asked.append("type") or facts.action.type})
    assert [seen["type"], seen["type"]] == ["github.pr.merge"] * 2
    assert asked == ["type"]


@pytest.mark.parametrize(
    ("parameters", "field", "expected"),
    [
        ({"amount": 1, "Amount": 9}, "parameters.amount", UNREADABLE),
        ({"AMOUNT": 9}, "parameters.amount", UNREADABLE),
        ({"Amount": 9}, "parameters.Amount", 9),
        ({"\N{LATIN SMALL LETTER LONG S}um": 9}, "parameters.sum", UNREADABLE),
        ({"pay": {"amount": 1, "AMOUNT": 9}}, "parameters.pay.amount", UNREADABLE),
        ({"Pay": {"amount": 9}}, "parameters.pay.amount", UNREADABLE),
        ({"amount": 1, "Other": 9}, "parameters.amount", 1),
    ],
)
def test_a_name_that_differs_only_in_case_makes_a_parameter_unreadable(
    parameters: dict[str, Any], field: str, expected: object
) -> None:
    """Servers in Go and .NET take either for the other."""
    facts = Facts(Action("http.post", {}, parameters), "", "", "", "", "", Circumstances(0.0))
    assert reader(field, UTC)(facts) == expected


@pytest.mark.parametrize(
    ("seconds", "written"), [(86_400, "1d"), (604_800, "7d"), (5_400, "90m"), (7_200, "2h"), (61, "61s")]
)
def test_a_total_is_told_as_policies_write_it(seconds: int, written: str) -> None:
    told = total_key(Total("parameters.amount", seconds, TotalBy.GATEWAY))
    assert told == f"total(parameters.amount, window: {written}, by: gateway)"
