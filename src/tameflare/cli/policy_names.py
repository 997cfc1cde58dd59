"""Rules that would never match, and nobody would notice: the action types in them are nowhere, or not in scope."""

from __future__ import annotations

import difflib
from collections.abc import Iterator
from typing import Final

from tameflare.cli.patterns import actions
from tameflare.connectors import registry
from tameflare.core.access import Pattern, parse_pattern
from tameflare.core.policy.diagnostics import Diagnostic
from tameflare.core.policy.model import All, AnyOf, Condition, Not, Operator, Policy, Test
from tameflare.core.policy.parse import Parsed

_EXACT: Final = (Operator.EQUALS, Operator.NOT_EQUALS)
_LISTS: Final = (Operator.IN, Operator.NOT_IN)


def doubts(parsed: Parsed) -> list[Diagnostic]:
    """Warnings, in the order of the source."""
    if parsed.policy is None:
        return []
    named = dict.fromkeys((*parsed.policy.scope.action_types, *_named(parsed.policy)))
    found = [_doubt(parsed, type_) for type_ in named if not _exists(type_)]
    return sorted([*found, *_out_of_scope(parsed.policy)])


def _out_of_scope(policy: Policy) -> Iterator[Diagnostic]:
    """A warning for each rule whose own types are none of the scope's."""
    patterns = [parse_pattern(source) for source in policy.scope.action_types]
    for rule in policy.rules if patterns else ():
        for test in _demanded(rule.condition):
            if not any(_may_meet(test, pattern) for pattern in patterns):
                message = f"the rule `{rule.name}` never matches: what it is about is not in the scope"
                yield Diagnostic(rule.line, 1, message, "widen `action_types`, or look at the type in the rule")


def _may_meet(test: Test, pattern: Pattern) -> bool:
    """Whether some type may pass both; said to be so where that is not known."""
    if test.operator is Operator.STARTS_WITH:
        literal = pattern.source.partition("*")[0]
        return not literal or literal.startswith(test.value) or pattern.matches(f"{test.value}x")
    types = _types(test)
    return not types or any(map(pattern.matches, types))


def _demanded(condition: Condition) -> Iterator[Test]:
    """The tests of the type that must hold for a rule to match."""
    if isinstance(condition, Test) and condition.field == "type":
        yield condition
    elif isinstance(condition, All):
        for part in condition.parts:
            yield from _demanded(part)


def _types(test: Test) -> list[str]:
    """The only types that a test is true of; empty: not known."""
    if test.operator is Operator.EQUALS:
        return [str(test.value)]
    return list(map(str, test.value)) if test.operator is Operator.IN else []


def _named(policy: Policy) -> Iterator[str]:
    for rule in policy.rules:
        for test in tests(rule.condition):
            if test.field == "type" and test.operator in _EXACT:
                yield str(test.value)
            elif test.field == "type" and test.operator in _LISTS:
                yield from map(str, test.value)


def tests(condition: Condition) -> Iterator[Test]:
    """Every test of a condition."""
    if isinstance(condition, Test):
        yield condition
    elif isinstance(condition, Not):
        yield from tests(condition.part)
    elif isinstance(condition, All | AnyOf):
        for part in condition.parts:
            yield from tests(part)


def _exists(type_: str) -> bool:
    """Whether a vendor's table has an action that fits; of what is no vendor's nothing is known."""
    vendor, _, rest = type_.partition(".")
    if vendor not in registry.VENDORS or rest.startswith("unknown"):
        return True
    known = actions(vendor)
    return type_ in known or ("*" in type_ and any(map(parse_pattern(type_).matches, known)))


def _doubt(parsed: Parsed, type_: str) -> Diagnostic:
    before = parsed.source.partition(type_)[0]
    known = actions(type_.partition(".")[0])
    if type_.endswith("*"):
        known = {f"{each.rpartition('.')[0]}.*" for each in known}
    near = difflib.get_close_matches(type_, sorted(known), n=1)
    advice = f"did you mean `{near[0]}`?" if near else "docs/reference/actions.md lists the names"
    return Diagnostic(
        parsed.first_line + before.count("\n"),
        len(before) - before.rfind("\n"),
        f"no known action is `{type_}`",
        advice,
    )
