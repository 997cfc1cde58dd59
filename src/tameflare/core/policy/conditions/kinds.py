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
    """A number that compares with those of other types as it was written: 0.1, not what the processor makes of it."""
    return Decimal(repr(number)) if type(number) is float else number


def same(one: Any, other: Any) -> Truth:
    """Whether two scalars are equal; an error where they are of different kinds."""
    if type(one) is type(other):
        return bool(one == other)
    if KINDS.get(type(one)) != KINDS.get(type(other)):
        return ERROR
    return bool(exact(one) == exact(other))
