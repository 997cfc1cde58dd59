"""`starts_with`, `ends_with`, `matches` and `glob`: text compared with text, letter by letter."""

from __future__ import annotations

from collections.abc import Callable

from tameflare.core.policy.conditions import patterns
from tameflare.core.policy.fields import ABSENT, Seen
from tameflare.core.policy.regex import compile_regex
from tameflare.core.policy.truth import ERROR, Check, Truth


def starts_with(key: str, prefix: str) -> Check:
    return _text(key, lambda value: value.startswith(prefix))


def ends_with(key: str, suffix: str) -> Check:
    return _text(key, lambda value: value.endswith(suffix))


def glob(key: str, pattern: str) -> Check:
    return _text(key, patterns.glob(pattern))


def matches(key: str, pattern: str) -> Check:
    return _text(key, patterns.search(compile_regex(pattern)))


def _text(key: str, holds: Callable[[str], Truth]) -> Check:
    def check(seen: Seen) -> Truth:
        value = seen[key]
        if type(value) is str:
            return holds(value)
        return False if value is ABSENT else ERROR

    return check
