from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tameflare.connectors.fields import convert, encode, parse_form, parse_query, schema


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
        ("a[=1&b]=2&[]=3", {"a[": "1", "b]": "2", "[]": "3"}),
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
