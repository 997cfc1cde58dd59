"""What plain words of YAML mean, and which mean nothing."""

from __future__ import annotations

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tameflare.core.policy.scalars import Doubt, meaning


@pytest.mark.parametrize(
    ("written", "value"),
    [
        ("true", True),
        ("False", False),
        ("null", None),
        ("~", None),
        ("", None),
        ("0", 0),
        ("-12", -12),
        ("9007199254740993", 9007199254740993),
        ("1.50", 1.5),
        ("-0.5", -0.5),
        ("12:30", "12:30"),
        ("2026-01-01", "2026-01-01"),
        ("10.0.0.1", "10.0.0.1"),
        ("1.2.3", "1.2.3"),
        ("main", "main"),
        ("nowhere", "nowhere"),
        ("-", "-"),
        (".github/", ".github/"),
        ("+49 30 1234", "+49 30 1234"),
    ],
)
def test_a_word_that_every_reader_takes_alike(written: str, value: object) -> None:
    found = meaning(written)
    assert found == value
    assert type(found) is type(value)


@pytest.mark.parametrize(
    "written",
    ["y", "Yes", "on", "N", "no", "OFF", "0755", "0o17", "0x1f", "0b1", "1_000", "+5", "1.", ".5", "1e3", "1.5e3",
     ".inf", "-.INF", ".nan", "-0755", "9" * 41],
)  # fmt: skip
def test_a_word_that_readers_take_differently(written: str) -> None:
    found = meaning(written)
    assert isinstance(found, Doubt)
    assert "`" in found.message or "characters" in found.message
    assert found.help


@given(st.text(alphabet="0123456789_+-.eExob:nify ", max_size=80))
def test_nothing_that_looks_like_a_number_is_taken_for_another_one(written: str) -> None:
    found = meaning(written.strip())
    if isinstance(found, int | float) and not isinstance(found, bool):
        assert Decimal(repr(found)) == Decimal(written.strip())


def test_a_long_word_takes_no_long_time() -> None:
    assert meaning("1" * 60_000 + "x") == "1" * 60_000 + "x"
    assert meaning("1_" * 30_000 + "x") == "1_" * 30_000 + "x"
