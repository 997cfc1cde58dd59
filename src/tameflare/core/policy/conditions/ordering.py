"""`greater_than` and its like, and `between`, with both ends: numbers with numbers, text with text by code points."""

from __future__ import annotations

import operator
from collections.abc import Callable, Sequence
from decimal import Decimal
from typing import Any

from tameflare.core.errors import InvalidValue
from tameflare.core.policy.conditions.kinds import KINDS, NUMBERS, exact
from tameflare.core.policy.fields import ABSENT, Lack, Seen, settle
from tameflare.core.policy.truth import ERROR, Check, Truth

Comparison = Callable[[Any, Any], bool]


def greater_than(key: str, limit: Any) -> Check:
    return _compared(key, limit, operator.gt)


def greater_than_or_equal(key: str, limit: Any) -> Check:
    return _compared(key, limit, operator.ge)


def less_than(key: str, limit: Any) -> Check:
    return _compared(key, limit, operator.lt)


def less_than_or_equal(key: str, limit: Any) -> Check:
    return _compared(key, limit, operator.le)


def between(key: str, ends: Sequence[Any]) -> Check:
    low, high = ends
    lowest, highest = greater_than_or_equal(key, low), less_than_or_equal(key, high)
    if KINDS.get(type(low)) != KINDS.get(type(high)):
        raise InvalidValue("the two ends of `between` are of different kinds", "write two numbers, or two texts")
    if low > high:
        raise InvalidValue("`between` begins after it ends", "write the smaller end first")

    def check(seen: Seen) -> Truth:
        found = lowest(seen)
        return highest(seen) if found is True else found

    return check


def _compared(key: str, limit: Any, holds: Comparison) -> Check:
    if type(limit) is str:
        return _texts(key, limit, holds)
    if type(limit) not in NUMBERS or isinstance(settle(limit), Lack):
        raise InvalidValue("an ordered comparison needs a number or a text to compare with")
    return _numbers(key, limit, holds)


def _numbers(key: str, limit: Any, holds: Comparison) -> Check:
    decimal = exact(limit)

    def check(seen: Seen) -> Truth:
        value = seen[key]
        kind = type(value)
        if kind is int or kind is float:
            return holds(value, limit)
        if kind is Decimal:
            return holds(value, decimal)
        return False if value is ABSENT else ERROR

    return check


def _texts(key: str, limit: str, holds: Comparison) -> Check:
    def check(seen: Seen) -> Truth:
        value = seen[key]
        if type(value) is str:
            return holds(value, limit)
        return False if value is ABSENT else ERROR

    return check
