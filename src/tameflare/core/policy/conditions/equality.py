"""`equals` and `in`, and their negatives."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from tameflare.core.policy.conditions.kinds import NUMBERS, exact, same
from tameflare.core.policy.fields import ABSENT, Seen
from tameflare.core.policy.truth import ERROR, Check, Truth, negated


def equals(key: str, wanted: Any) -> Check:
    if type(wanted) is str:
        return _is_text(key, wanted)

    def check(seen: Seen) -> Truth:
        value = seen[key]
        return False if value is ABSENT else same(value, wanted)

    return check


def not_equals(key: str, wanted: Any) -> Check:
    return _is_not_text(key, wanted) if type(wanted) is str else negated(equals(key, wanted))


def is_in(key: str, wanted: Sequence[Any]) -> Check:
    """An error for a value of a kind of which there is none among the wanted. However many they are, it is one look."""
    texts = frozenset(each for each in wanted if type(each) is str)
    if all(type(each) is str for each in wanted):
        return _is_a_text(key, texts)
    truths = frozenset(each for each in wanted if type(each) is bool)
    numbers = frozenset(exact(each) for each in wanted if type(each) in NUMBERS)

    def check(seen: Seen) -> Truth:
        value = seen[key]
        if value is ABSENT:
            return False
        if type(value) in NUMBERS:
            return exact(value) in numbers if numbers else ERROR
        alike = texts if type(value) is str else truths if type(value) is bool else ()
        return value in alike if alike else ERROR

    return check


def not_in(key: str, wanted: Sequence[Any]) -> Check:
    return negated(is_in(key, wanted))


def _is_text(key: str, wanted: str) -> Check:
    def check(seen: Seen) -> Truth:
        value = seen[key]
        if type(value) is str:
            return value == wanted
        return False if value is ABSENT else ERROR

    return check


def _is_not_text(key: str, wanted: str) -> Check:
    def check(seen: Seen) -> Truth:
        value = seen[key]
        if type(value) is str:
            return value != wanted
        return True if value is ABSENT else ERROR

    return check


def _is_a_text(key: str, wanted: frozenset[str]) -> Check:
    def check(seen: Seen) -> Truth:
        value = seen[key]
        if type(value) is str:
            return value in wanted
        return False if value is ABSENT else ERROR

    return check
