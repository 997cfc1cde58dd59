from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tameflare.connectors.faults import Unreadable
from tameflare.connectors.fields import UNCLEAR, convert, encode, parse_form, parse_query, schema


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("", {}),
        ("a=1&b=", {"a": "1", "b": ""}),
        ("a", {"a": ""}),
        ("a=1&a=2&a=3", {"a": ["1", "2", "3"]}),
        ("a[]=1&a[]=2", {"a": ["1", "2"]}),
        ("a[x]=1&a[y][z]=2", {"a": {"x": "1", "y": {"z": "2"}}}),
        ("a[0]=x&a[2]=y", {"a": {"0": "x", "2": "y"}}),
        ("a=1&a[b]=2", {"a": "1", "a[b]": ["2"]}),
        ("0=x&1=y", {"0": "x", "1": "y"}),
        ("a[=1&b]=2&[]=3", {"a[": "1", "b]": "2", "[]": "3", "a": UNCLEAR, "b": UNCLEAR}),
        ("a+b=c+d&%61=%ff", {"a b": "c d", "a": "\ufffd"}),
    ],
)
def test_queries(query: str, expected: object) -> None:
    assert parse_query(query) == expected


def test_a_schema_types_what_it_names_and_leaves_the_rest() -> None:
    typed = schema("n:int f:number b:bool created:int created.gte:int items.*.quantity:int plain")
    fields = parse_form(b"n=5&f=1.5&b=true&created[gte]=3&items[0][quantity]=2&plain=7&other=8")
    assert convert(fields, typed) == {
        "n": 5,
        "f": 1.5,
        "b": True,
        "created": {"gte": 3},
        "items": [{"quantity": 2}],
        "plain": "7",
        "other": "8",
    }
    assert convert({"created": "9", "b": "True"}, typed) == {"created": 9, "b": "True"}


_NAMES = st.from_regex(r"[a-z_]{1,6}", fullmatch=True)
_NESTED = st.recursive(
    st.text(st.characters(codec="utf-8"), max_size=8),
    lambda inner: st.lists(inner, min_size=1, max_size=3) | st.dictionaries(_NAMES, inner, min_size=1, max_size=3),
    max_leaves=8,
)


@settings(deadline=None)
@given(st.dictionaries(_NAMES, _NESTED, max_size=4))
def test_what_is_encoded_is_read_back(fields: dict[str, object]) -> None:
    assert parse_form(encode(fields).encode()) == fields


def test_all_of_a_query_is_read_however_long() -> None:
    """All of it goes on: what comes behind many pairs must not be out of sight."""
    assert parse_query("&" * 10_000 + "amount=9") == {"amount": "9"}
    assert parse_query("a%" + "&a%" * 20_000) == {"a%": [""] * 20_001}


@pytest.mark.parametrize(
    "pair",
    [
        "+amount=9",
        "amount+=9",
        "%00amount=9",
        "amount%00x=9",
        "[amount]=9",
        "amount]=9",
        "x=1;amount=9",
    ],
)
@pytest.mark.parametrize("before", ["", "amount=1&"])
def test_what_some_server_reads_as_a_field_makes_it_unclear(pair: str, before: str) -> None:
    """PHP, Rack and others each have such a reading: the field is there, and no comparison knows it."""
    assert parse_query(before + pair)["amount"] is UNCLEAR
    assert parse_form((before + pair).encode())["amount"] is UNCLEAR


def test_a_form_that_some_server_would_divide_into_too_many_fields_is_refused() -> None:
    with pytest.raises(Unreadable):
        parse_form(b"a=1" + b";" * 10_001)


@pytest.mark.parametrize("query", ["a.b=1", "a-b=1", "a+b=1", "a%3Bb=1", "a[b]=1&a[c]=2", "q=a%3Bb"])
def test_names_that_everybody_reads_alike(query: str) -> None:
    assert UNCLEAR not in parse_query(query).values()
