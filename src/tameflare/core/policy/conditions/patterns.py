"""Expressions and globs looked for in texts, in time linear in the text."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

import re2  # type: ignore[import-untyped]

from tameflare.core.policy.regex import compile_regex
from tameflare.core.policy.truth import ERROR, Truth

_WILD: Final = {"*": ".*", "?": "."}


def search(expression: Any) -> Callable[[str], Truth]:
    """Whether the expression is found in a text; an error for half of a surrogate pair, which is no text."""
    find = expression.search

    def found(text: str) -> Truth:
        try:
            return find(text.encode()) is not None
        except UnicodeEncodeError:
            return ERROR

    return found


def glob(pattern: str) -> Callable[[str], Truth]:
    """`*` stands for any characters, also none and also `.` and `/`; `?` for one; everything else for itself."""
    if not any(each in pattern for each in _WILD):
        return pattern.__eq__
    if "?" in pattern:
        return _wild(pattern)
    first, *others = pattern.split("*")
    if len(others) == 1:
        return _ends(first, others[0])
    return _pieces(first, others[:-1], others[-1])


def _ends(first: str, last: str) -> Callable[[str], Truth]:
    least = len(first) + len(last)
    return lambda text: len(text) >= least and text.startswith(first) and text.endswith(last)


def _pieces(first: str, middle: list[str], last: str) -> Callable[[str], Truth]:
    """Each piece where it is found first: leaving more to those behind it is always at least as good."""

    def matches(text: str) -> Truth:
        end = len(text) - len(last)
        if end < len(first) or not text.startswith(first) or not text.endswith(last):
            return False
        at = len(first)
        for piece in middle:
            found = text.find(piece, at, end)
            if found < 0:
                return False
            at = found + len(piece)
        return True

    return matches


def _wild(pattern: str) -> Callable[[str], Truth]:
    written = "".join(_WILD.get(letter) or re2.escape(letter) for letter in pattern)
    return search(compile_regex(f"(?s)^{written}$"))
