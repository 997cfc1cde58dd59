"""Action types that a policy names and no connector has: it would never match, and nobody would notice."""

from __future__ import annotations

import difflib
from collections.abc import Iterator
from typing import Final

from tameflare.cli.patterns import actions
from tameflare.connectors import registry
from tameflare.core.access import parse_pattern
from tameflare.core.policy.diagnostics import Diagnostic
from tameflare.core.policy.model import All, AnyOf, Condition, Not, Operator, Policy, Test
from tameflare.core.policy.parse import Parsed

_EXACT: Final = (Operator.EQUALS, Operator.NOT_EQUALS)
_LISTS: Final = (Operator.IN, Operator.NOT_IN)


def doubts(parsed: Parsed) -> list[Diagnostic]:
    """A warning for each type of a vendor's that its table does not have."""
    if parsed.policy is None:
        return []
    found = dict.fromkeys((*parsed.policy.scope.action_types, *_named(parsed.policy)))
    return [_doubt(parsed, type_) for type_ in found if not _exists(type_)]


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
