from __future__ import annotations

import json
import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tameflare.connectors.faults import Unreadable
from tameflare.connectors.strict_json import parse_json


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (b'{"a":1,"a":2}', "twice"),
        (b'{"a":1,"\\u0061":2}', "twice"),
        (b'[{"x":{"a":1,"b":2,"a":3}}]', "twice"),
        (b'\xef\xbb\xbf{"a":1}', "byte order mark"),
        ('{"a":1}'.encode("utf-16"), "not UTF-8"),
        (b'{"a":"\xff"}', "not UTF-8"),
        (b'{"a":NaN}', "NaN"),
        (b'{"a":-Infinity}', "Infinity"),
        (b'{"a":1e999}', "range"),
        (b'{"a":"\\ud800"}', "surrogate"),
        (b'{"a":' + b"9" * 5000 + b"}", "too long"),
        (b"[" * 65 + b"]" * 65, "deeper"),
        (b"[" * 100_000, "deeper"),
        (b"{'a':1}", "not JSON"),
        (b'{"a":1}x', "not JSON"),
        (b'{"a":1,}', "not JSON"),
        (b"", "not JSON"),
        (b'{"a":\x001}', "not JSON"),
    ],
)
def test_what_could_be_read_in_two_ways_is_refused(data: bytes, message: str) -> None:
    with pytest.raises(Unreadable, match=message):
        parse_json(data)


def test_big_integers_stay_exact() -> None:
    assert parse_json(b'{"a":9007199254740993}') == {"a": 9007199254740993}


def test_the_deepest_that_is_read() -> None:
    assert parse_json(b"[" * 64 + b"]" * 64)


def test_brackets_in_text_do_not_count_as_depth() -> None:
    assert parse_json(json.dumps(["[{" * 100, '"[[']).encode()) == ["[{" * 100, '"[[']


def test_text_that_does_not_end_takes_no_longer_than_other_text() -> None:
    """Tried anew from each quotation mark it would take minutes."""
    started = time.process_time()
    with pytest.raises(Unreadable):
        parse_json(b"[" * 65 + b'"' + b'\\"' * 50_000)
    assert time.process_time() - started < 2


def test_a_whole_surrogate_pair_is_read() -> None:
    assert parse_json(b'"\\ud83d\\ude00"') == "\N{GRINNING FACE}"


_VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(st.characters(codec="utf-8")),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.text(st.characters(codec="utf-8")), inner, max_size=3)
    ),
    max_leaves=10,
)


@settings(deadline=None)
@given(_VALUES)
def test_what_json_writes_is_read_back(value: object) -> None:
    assert parse_json(json.dumps(value).encode()) == value


@settings(deadline=None)
@given(st.binary(max_size=60))
def test_any_bytes_are_read_or_refused(data: bytes) -> None:
    try:
        parse_json(data)
    except Unreadable as fault:
        assert fault.message  # noqa: PT017 - either outcome is right
