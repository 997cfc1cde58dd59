"""`equals` and `in`, and their negatives."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from tameflare.core.policy.conditions.kinds import KINDS, same
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
    if all(type(each) is str for each in wanted):
        return _is_a_text(key, frozenset(wanted))
    choices = tuple(wanted)
    kinds = {KINDS.get(type(each)) for each in choices}

    def check(seen: Seen) -> Truth:
        value = seen[key]
        if value is ABSENT:
            return False
        if KINDS.get(type(value)) not in kinds:
            return ERROR
        return any(same(value, each) is True for each in choices)

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
