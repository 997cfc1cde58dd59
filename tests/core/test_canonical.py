"""The canonical form against the examples of RFC 8785, and what has none."""

from __future__ import annotations

import json
import math

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tameflare.core import canonical as module
from tameflare.core.canonical import canonical, digest, number, problems, spec_hash
from tameflare.core.errors import InvalidValue

# RFC 8785, appendix B, and the borders at which ECMAScript changes its notation.
NUMBERS = {
    0.0: "0",
    5e-324: "5e-324",
    -5e-324: "-5e-324",
    1.7976931348623157e308: "1.7976931348623157e+308",
    9007199254740992.0: "9007199254740992",
    295147905179352830000.0: "295147905179352830000",
    9.999999999999997e22: "9.999999999999997e+22",
    1e23: "1e+23",
    1.0000000000000001e23: "1.0000000000000001e+23",
    999999999999999700000.0: "999999999999999700000",
    999999999999999900000.0: "999999999999999900000",
    1e21: "1e+21",
    9.999999999999997e-7: "9.999999999999997e-7",
    0.000001: "0.000001",
    333333333.3333332: "333333333.3333332",
    -0.0000033333333333333333: "-0.0000033333333333333333",
    1424953923781206.2: "1424953923781206.2",
    1.0: "1",
    -1.5: "-1.5",
    100.25: "100.25",
}
texts = st.text(st.characters(exclude_categories=["Cs"]))
fractions = st.floats(-(2.0**53), 2.0**53)
plain = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53), 2**53) | fractions | texts,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(texts, inner),
    max_leaves=8,
)


@pytest.mark.parametrize(("value", "text"), NUMBERS.items(), ids=map(repr, NUMBERS.values()))
def test_numbers_are_written_as_ecmascript_does(value: float, text: str) -> None:
    assert number(value) == text
    assert number(-value) == (f"-{text}" if value > 0 else text.removeprefix("-"))


def test_the_example_of_the_standard() -> None:
    value = {
        "numbers": [333333333.33333329, 1e30, 4.50, 2e-3, 0.000000000000000000000000001],
        "string": "\u20ac$\u000f\u000aA'\u0042\u0022\u005c\\\"/",
        "literals": [None, True, False],
    }
    assert canonical(value).decode() == (
        '{"literals":[null,true,false],"numbers":[333333333.3333333,1e+30,4.5,0.002,1e-27],'
        '"string":"€$\\u000f\\nA\'B\\"\\\\\\\\\\"/"}'
    )


def test_names_are_sorted_by_their_utf_16_units() -> None:
    names = ["\u20ac", "\r", "\ufb33", "1", "\U0001f600", "\x80", "\u00f6"]
    written = canonical(dict.fromkeys(names, 0)).decode()
    assert list(json.loads(written)) == ["\r", "1", "\x80", "\u00f6", "\u20ac", "\U0001f600", "\ufb33"]


@settings(max_examples=100)
@given(plain)
def test_one_value_has_one_text(value: object) -> None:
    written = canonical(value)
    assert canonical(json.loads(written)) == written
    assert json.loads(written) == value
    slowly: list[str] = []
    module._write(value, slowly)
    assert written == "".join(slowly).encode(), "the library writes plain values alike"


def test_the_order_of_names_and_the_spelling_of_numbers_do_not_matter() -> None:
    assert digest({"a": 1, "b": [2.50]}) == digest({"b": [2.5], "a": 1.0})
    assert spec_hash("a.b", {"x": 1}, {}) != spec_hash("a.b", {}, {"x": 1})


@pytest.mark.parametrize(
    ("value", "place"),
    [
        ({"a": 2**53 + 1}, "a"),
        ({"a": [0, -(2**53) - 1]}, "a.1"),
        ({"a": math.nan}, "a"),
        ({"a": {"b": math.inf}}, "a.b"),
        ({"a": "\ud800"}, "a"),
        ({"a": object()}, "a"),
    ],
)
def test_what_could_be_read_in_two_ways_has_no_canonical_form(value: object, place: str) -> None:
    assert [path for path, _ in problems(value)] == [place]
    with pytest.raises(InvalidValue):
        canonical(value)


def test_every_fault_is_told() -> None:
    found = dict(problems({"n": 2**60, "list": [math.nan, "fine", "\udc00"], "\ud83d": 1}))
    assert list(found) == ["n", "list.0", "list.2", "?"]


def test_the_largest_integer_that_every_reader_takes() -> None:
    assert canonical([2**53, -(2**53)]) == b"[9007199254740992,-9007199254740992]"
