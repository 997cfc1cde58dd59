"""`greater_than` and its like, and `between`, with both ends: numbers with numbers, text with text by code points.

Whole numbers compared with one are the everyday case and have a check of their own each; all else goes by kinds.
"""

from __future__ import annotations

import operator
from collections.abc import Callable, Sequence
from typing import Any, Final

from tameflare.core.errors import InvalidValue
from tameflare.core.policy.conditions.kinds import KINDS, NUMBERS, exact
from tameflare.core.policy.fields import ABSENT, Lack, Seen, settle
from tameflare.core.policy.truth import ERROR, Check, Truth

Order = Callable[[Any, Any], bool]
ByKind = Callable[[Any], Truth]


def ordered(holds: Order, key: str, limit: Any) -> Check:
    """`holds` is one of the functions of `operator`. Raises InvalidValue for a limit that has no order."""
    by_kind = _by_kind(holds, limit)
    return _OF_WHOLE[holds](key, limit, by_kind) if type(limit) is int else _of_any(key, by_kind)


def between(key: str, ends: Sequence[Any]) -> Check:
    low, high = ends
    not_below, not_above = _by_kind(operator.ge, low), _by_kind(operator.le, high)
    if KINDS[type(low)] != KINDS[type(high)]:
        raise InvalidValue("the two ends of `between` are of different kinds", "write two numbers, or two texts")
    if low > high:
        raise InvalidValue("`between` begins after it ends", "write the smaller end first")

    def compare(value: Any) -> Truth:
        found = not_below(value)
        return not_above(value) if found is True else found

    return _of_any(key, compare)


def _by_kind(holds: Order, limit: Any) -> ByKind:
    if type(limit) is not str and (type(limit) not in NUMBERS or isinstance(settle(limit), Lack)):
        raise InvalidValue("an ordered comparison needs a number or a text to compare with")
    type_, kind, decimal = type(limit), KINDS[type(limit)], exact(limit)

    def compare(value: Any) -> Truth:
        if type(value) is type_:
            return holds(value, limit)
        if value is ABSENT:
            return False
        return holds(exact(value), decimal) if KINDS.get(type(value)) == kind else ERROR

    return compare


def _of_any(key: str, compare: ByKind) -> Check:
    return lambda seen: compare(seen[key])


def _greater_than(key: str, limit: Any, by_kind: ByKind) -> Check:
    def check(seen: Seen) -> Truth:
        value = seen[key]
        return value > limit if type(value) is int else by_kind(value)

    return check


def _at_least(key: str, limit: Any, by_kind: ByKind) -> Check:
    def check(seen: Seen) -> Truth:
        value = seen[key]
        return value >= limit if type(value) is int else by_kind(value)

    return check


def _less_than(key: str, limit: Any, by_kind: ByKind) -> Check:
    def check(seen: Seen) -> Truth:
        value = seen[key]
        return value < limit if type(value) is int else by_kind(value)

    return check


def _at_most(key: str, limit: Any, by_kind: ByKind) -> Check:
    def check(seen: Seen) -> Truth:
        value = seen[key]
        return value <= limit if type(value) is int else by_kind(value)

    return check


_OF_WHOLE: Final[dict[Order, Callable[[str, Any, ByKind], Check]]] = {
    operator.gt: _greater_than,
    operator.ge: _at_least,
    operator.lt: _less_than,
    operator.le: _at_most,
}
