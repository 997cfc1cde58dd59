"""Kinds of values. Values of different kinds are never compared: 1, "1" and true are three things."""

from __future__ import annotations

from decimal import Decimal
from typing import Any, Final

from tameflare.core.policy.fields import Lack, settle
from tameflare.core.policy.truth import ERROR, Truth

KINDS: Final[dict[type, str]] = {
    str: "text",
    bool: "true or false",
    int: "a number",
    float: "a number",
    Decimal: "a number",
    list: "a list",
    dict: "a mapping",
}
NUMBERS: Final = frozenset({int, float, Decimal})


def kind_of(value: Any) -> str:
    """In words, for people; "nothing" and "unreadable" for what has no value."""
    settled = settle(value)
    if isinstance(settled, Lack):
        return "absent" if settled is Lack.ABSENT else "unreadable"
    return KINDS[type(settled)]


def exact(number: Any) -> Any:
    """A number that compares exactly with decimal ones: 0.1 as it was written, not as the processor rounds it."""
    return Decimal(repr(number)) if type(number) is float else number


def same(one: Any, other: Any) -> Truth:
    """Whether two values are equal; an error where they are of different kinds. Inside lists and mappings a difference
    of kind is a difference."""
    if KINDS.get(type(one)) != KINDS.get(type(other)):
        return ERROR
    if type(one) is list:
        return len(one) == len(other) and all(map(_identical, one, other))
    if type(one) is dict:
        return one.keys() == other.keys() and all(_identical(value, other[name]) for name, value in one.items())
    if Decimal in (type(one), type(other)):
        return bool(exact(one) == exact(other))
    return bool(one == other)


def _identical(one: Any, other: Any) -> bool:
    return one is other is None or same(one, other) is True
