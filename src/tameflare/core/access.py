"""Access rules: patterns over action types, and which of them is the most specific."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Final

import msgspec

from tameflare.core.action import Action, Effect
from tameflare.core.approval import Requirement
from tameflare.core.decision import STRICTNESS, Verdict
from tameflare.core.errors import InvalidValue

EVERYTHING: Final = "**"
_LITERAL, _PARTIAL, _STAR, _TRAILING_STAR = 3, 2, 1, 0
_SEGMENT = re.compile(r"[A-Za-z0-9_\-*]+")


class AccessRule(msgspec.Struct, frozen=True):
    """`connector` is the name of an instance; `effect`, where given, narrows the pattern to actions of that effect.

    `approval` says who must agree where the decision is to ask; None: anybody who may.
    """

    id: str
    connector: str
    pattern: str
    decision: Verdict
    effect: Effect | None = None
    approval: Requirement | None = None


class Pattern(msgspec.Struct, frozen=True):
    """A checked pattern, ready to match and to be compared; larger `specificity` wins."""

    source: str
    regex: re.Pattern[str]
    specificity: tuple[tuple[int, ...], int]
    names_unknown: bool

    def matches(self, action_type: str) -> bool:
        if ".unknown." in action_type and not self.names_unknown:
            return False
        return self.regex.fullmatch(action_type) is not None


def parse_pattern(source: str) -> Pattern:
    """Check and compile a pattern such as `github.pr.*`. Raises InvalidValue with what to write instead."""
    if source == EVERYTHING:
        return Pattern(source, re.compile(r".*", re.DOTALL), ((), 0), True)
    segments = source.split(".")
    for segment in segments:
        _check_segment(source, segment)
    last = len(segments) - 1
    regex = r"\.".join(_segment_regex(segment, index == last) for index, segment in enumerate(segments))
    ranks = tuple(_rank(segment, index == last) for index, segment in enumerate(segments))
    prefix = len(source.partition("*")[0])
    return Pattern(source, re.compile(regex), (ranks, prefix), len(segments) > 1 and segments[1] == "unknown")


def _check_segment(source: str, segment: str) -> None:
    if not segment:
        raise InvalidValue(f"pattern `{source}` has an empty segment", "write segments between dots, as `github.pr.*`")
    if "**" in segment:
        raise InvalidValue(f"pattern `{source}`: `**` stands alone for everything", "write `**`, or `*` for a segment")
    if not _SEGMENT.fullmatch(segment):
        raise InvalidValue(f"pattern `{source}` holds a character outside letters, digits, `_`, `-`, `*` and `.`")


def _segment_regex(segment: str, is_last: bool) -> str:
    if segment == "*":
        return r"[^.]+(?:\.[^.]+)*" if is_last else r"[^.]+"
    return re.escape(segment).replace(r"\*", r"[^.]*")


def _rank(segment: str, is_last: bool) -> int:
    if segment == "*":
        return _TRAILING_STAR if is_last else _STAR
    return _PARTIAL if "*" in segment else _LITERAL


class AccessVerdict(msgspec.Struct, frozen=True):
    """What access rules say of one action; `rule` is None where nothing is written."""

    verdict: Verdict
    rule: AccessRule | None


NOTHING_WRITTEN: Final = AccessVerdict(Verdict.DENY, None)


class AccessTable:
    """The rules of one connector instance under one gateway, most specific first; compiled once per configuration."""

    __slots__ = ("_rules",)

    def __init__(self, rules: Iterable[AccessRule]) -> None:
        parsed = [(parse_pattern(rule.pattern), rule) for rule in rules]
        self._rules = sorted(parsed, key=_order, reverse=True)

    def look_up(self, action: Action) -> AccessVerdict:
        for pattern, rule in self._rules:
            if (rule.effect is None or rule.effect is action.effect) and pattern.matches(action.type):
                return AccessVerdict(rule.decision, rule)
        return NOTHING_WRITTEN


def _order(entry: tuple[Pattern, AccessRule]) -> tuple[tuple[int, ...], int, bool, int]:
    pattern, rule = entry
    ranks, prefix = pattern.specificity
    return ranks, prefix, rule.effect is not None, STRICTNESS[rule.decision]
