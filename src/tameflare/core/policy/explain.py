"""Why a verdict is what it is: per policy, per rule, per test, with the value that was seen."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from enum import StrEnum
from typing import Any, Final

import msgspec

from tameflare.core.decision import Verdict
from tameflare.core.policy import trees
from tameflare.core.policy.conditions.kinds import kind_of
from tameflare.core.policy.fields import Lack, Seen
from tameflare.core.policy.model import Operator
from tameflare.core.policy.rules import CompiledRule
from tameflare.core.policy.truth import ERROR, Truth
from tameflare.core.policy.verdict import PolicyVerdict
from tameflare.core.policy.windows import WEEKDAYS, Window

_SHOWN: Final = 80
_LONGEST_NUMBER: Final = 256  # bits


class Result(StrEnum):
    """What a test or a rule came to."""

    TRUE = "true"
    FALSE = "false"
    ERROR = "error"


_TRUE, _FALSE, _ERROR = Result.TRUE, Result.FALSE, Result.ERROR
_RESULTS: Final[dict[Truth, Result]] = {True: _TRUE, False: _FALSE, ERROR: _ERROR}
_NOT: Final = {_TRUE: _FALSE, _FALSE: _TRUE, _ERROR: _ERROR}


class Comparison(msgspec.Struct, frozen=True, gc=False, tag="test"):
    """One test. `wanted` and `seen` are the two values as people read them."""

    result: Result
    field: str
    operator: Operator
    wanted: str
    seen: str
    line: int

    @property
    def why(self) -> str:
        """A sentence for people."""
        said = f"`{self.field}` is {self.seen}; `{self.operator.value}` {self.wanted}".rstrip()
        return f"{said} cannot be said of it" if self.result is _ERROR else f"{said} is {self.result.value}"


class Combination(msgspec.Struct, frozen=True, tag="group"):
    """`kind` is `all`, `any` or `not`."""

    result: Result
    kind: str
    parts: tuple[Comparison | Combination, ...]


class RuleResult(msgspec.Struct, frozen=True):
    """`condition` is what was written, None where that does not compile. `result` is of the rule: it can differ where
    the condition reads what agents say of themselves, which never loosens a rule."""

    name: str
    result: Result
    decision: Verdict
    reason: str
    risk_score: int | None
    condition: Comparison | Combination | None
    line: int


class PolicyResult(msgspec.Struct, frozen=True):
    """One policy in whose scope the action is."""

    name: str
    version: int
    rules: tuple[RuleResult, ...]


class Explanation(msgspec.Struct, frozen=True):
    """`policies` are those that have a rule for such an action, by priority."""

    verdict: PolicyVerdict
    policies: tuple[PolicyResult, ...]


class SeenInWords(dict[str, str]):
    """What was seen of the facts as people read it; each field put into words once."""

    __slots__ = ("seen",)

    def __init__(self, seen: Seen) -> None:
        self.seen = seen

    def __missing__(self, key: str) -> str:
        words = self[key] = shown(self.seen[key])
        return words


def of_rule(rule: CompiledRule, truth: Truth, words: SeenInWords) -> RuleResult:
    """How a rule that came to `truth` did so."""
    written = rule.rule
    return RuleResult(
        written.name,
        _RESULTS[truth],
        written.decision,
        written.reason,
        written.risk_score,
        None if rule.written is trees.FAULTY else _of_node(rule.written, words),
        written.line,
    )


def errors(node: trees.Node, seen: Seen) -> Iterator[trees.Leaf]:
    """The tests because of which a condition is an error."""
    if isinstance(node, trees.Leaf):
        if node.check(seen) is ERROR:
            yield node
    elif isinstance(node, trees.Branch) and node.check(seen) is ERROR:
        for part in node.parts:
            yield from errors(part, seen)


def unavailable(leaf: trees.Leaf, seen: Seen) -> bool:
    """Whether a test compares a total that nobody could tell."""
    return leaf.test.total is not None and leaf.test.total not in (seen.facts.circumstances.totals or {})


def fault_of(leaf: trees.Leaf, seen: Seen) -> str:
    """Why a test is an error, in words."""
    if unavailable(leaf, seen):
        return f"`{leaf.key}` is not known"
    if leaf.test.total is not None:
        return f"`{leaf.test.total.field}` is no amount that could be added up"
    return f"`{leaf.key}` is {kind_of(seen[leaf.key])}, and `{leaf.test.operator.value}` cannot compare it"


def shown(value: Any) -> str:
    """A value for people, on one line and not too long; what is in lists and mappings is not told."""
    kind = type(value)
    if kind is str:
        return _text(value)
    if kind is bool:
        return "true" if value else "false"
    if isinstance(value, Lack):
        return value.value
    if kind is int and value.bit_length() > _LONGEST_NUMBER:
        return f"a number of {value.bit_length()} bits"
    if kind is list:
        return f"a list of {len(value)}"
    if kind is dict:
        return f"a mapping of {len(value)}"
    return value.isoformat(" ", "minutes") if kind is datetime else str(value)


def _text(value: str) -> str:
    """In quotes; with escapes in place of what cannot be printed."""
    begin = value if len(value) <= _SHOWN else f"{value[:_SHOWN]}…"
    return f'"{begin}"' if begin.isprintable() else f'"{begin.encode("unicode_escape").decode("ascii")}"'


def _of_node(node: trees.Node, words: SeenInWords) -> Comparison | Combination:
    if type(node) is trees.Leaf:
        test, wanted, key = node.test, node.words, node.key
        if wanted is None:
            wanted = node.words = _wanted(test.value)
        return Comparison(_RESULTS[node.check(words.seen)], key, test.operator, wanted, words[key], test.line)
    assert type(node) is trees.Branch
    parts = tuple([_of_node(part, words) for part in node.parts])
    return Combination(_joined(node.kind, [part.result for part in parts]), node.kind, parts)


def _joined(kind: str, results: list[Result]) -> Result:
    if kind == trees.NOT:
        return _NOT[results[0]]
    decisive, otherwise = (_FALSE, _TRUE) if kind == trees.ALL else (_TRUE, _FALSE)
    return decisive if decisive in results else _ERROR if _ERROR in results else otherwise


def _wanted(value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, Window):
        return _window(value)
    if isinstance(value, tuple | list):
        few = ", ".join(shown(each) for each in value[:8])
        return f"[{few}, … {len(value)}]" if len(value) > 8 else f"[{few}]"
    return shown(value)


def _window(window: Window) -> str:
    begin, end = (f"{minutes // 60:02}:{minutes % 60:02}" for minutes in (window.start, window.end))
    days = ",".join(WEEKDAYS[day][:3] for day in window.days)
    return " ".join(part for part in (days, f"{begin}-{end}", window.timezone) if part)
