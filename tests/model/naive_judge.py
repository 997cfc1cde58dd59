"""What policies mean, said as plainly as possible: no compiling, no index, no memory, every rule asked every time.

A condition is TRUE, ERROR or FALSE, in this order: `all` is the least part, `any` the greatest, `not` turns it round.
"""

from __future__ import annotations

import operator
from collections.abc import Sequence
from contextlib import suppress
from datetime import datetime
from decimal import Decimal
from ipaddress import ip_address, ip_network
from math import isfinite
from typing import Any, NamedTuple
from zoneinfo import ZoneInfo

import re2

from tameflare.core.access import AccessTable, parse_pattern
from tameflare.core.approval import ANYBODY, Requirement
from tameflare.core.decision import STRICTNESS, EnforcementLevel, Verdict
from tameflare.core.policy import model
from tameflare.core.policy.facts import Facts
from tameflare.core.policy.windows import WEEKDAYS, Window

TRUE, ERROR, FALSE, ABSENT, UNREADABLE = 1, 0, -1, object(), object()
ALLOW, DENY, ASK = Verdict.ALLOW, Verdict.DENY, Verdict.REQUIRES_APPROVAL


class Said(NamedTuple):
    verdict: Verdict | None
    matched: frozenset[tuple[str, str]]
    requirements: frozenset[Requirement]
    risk_score: int | None


class NaiveJudge(NamedTuple):
    """Judges one action, by the clocks of a time zone."""

    facts: Facts
    zone: str = "UTC"

    def decide(self, said: Said, access: AccessTable | None, level: EnforcementLevel) -> Verdict:
        """Policies narrow what access rules allow; where there are none, policies alone must allow."""
        written = getattr(access.look_up(self.facts.action).rule, "decision", None) if access else said.verdict
        if level is EnforcementLevel.MONITOR:
            return ALLOW
        unknown = said.verdict is not ASK and ".unknown." in self.facts.action.type
        if written is None and (level is EnforcementLevel.FULL_ENFORCE or unknown):
            return DENY
        return max((one for one in (said.verdict, written) if one), key=STRICTNESS.__getitem__, default=ALLOW)

    def say(self, policies: Sequence[model.Policy]) -> Said:
        """deny > requires_approval > allow, over all rules of all policies; what cannot be judged denies."""
        found = {(p.name, r.name): (r, self.rule_holds(p.scope, r)) for p in policies if p.enabled for r in p.rules}
        rules = [rule for rule, truth in found.values() if truth == TRUE]
        decisions = [rule.decision for rule in rules] + [DENY for _, truth in found.values() if truth == ERROR]
        verdict = max(decisions, key=STRICTNESS.__getitem__, default=None)
        asking = frozenset(rule.approval or ANYBODY for rule in rules if rule.decision is ASK is verdict)
        scores = [rule.risk_score for rule in rules if rule.risk_score is not None]
        matched = frozenset(key for key, (_, truth) in found.items() if truth != FALSE)
        return Said(verdict, matched, asking, max(scores, default=None))

    def rule_holds(self, scope: model.Scope, rule: model.Rule) -> int:
        """In scope, its condition true. What an agent says (hints, the resource's environment) never loosens a rule."""
        strictest, in_scope = min if rule.decision is ALLOW else max, self.in_scope(scope, rule.decision is not ALLOW)
        return min(in_scope, strictest(self.holds(rule.condition, hints) for hints in (True, False)))

    def in_scope(self, scope: model.Scope, by_word: bool) -> int:
        types = [parse_pattern(one).matches(self.facts.action.type) for one in scope.action_types]
        named = [("agent.name", scope.agents), ("gateway", scope.gateways), ("connector", scope.connectors)]
        tests = [[model.Test(field, model.Operator.GLOB, one) for one in globs] for field, globs in named]
        words = ["agent.environment", "resource.environment"][: 1 + by_word] if scope.environments else []
        tests.append([model.Test(word, model.Operator.IN, scope.environments) for word in words])
        scoped = model.All(tuple(model.AnyOf(tuple(each)) for each in tests if each))
        return self.holds(scoped, hints=True) if any(types) or not types else FALSE

    def holds(self, condition: model.Condition, hints: bool) -> int:
        if isinstance(condition, model.Not):
            return -self.holds(condition.part, hints)
        if isinstance(condition, model.All):
            return min((self.holds(part, hints) for part in condition.parts), default=TRUE)
        if isinstance(condition, model.AnyOf):
            return max((self.holds(part, hints) for part in condition.parts), default=FALSE)
        value, name = self.value(condition, hints), condition.operator.value.removeprefix("not_")
        truth = FALSE if value is ABSENT else ERROR if value is UNREADABLE else compare(name, value, condition.value)
        return -truth if condition.operator.value.startswith("not_") else truth

    def value(self, test: model.Test, hints: bool) -> Any:
        facts, action, more = self.facts, self.facts.action, self.facts.circumstances
        now = datetime.fromtimestamp(more.time, ZoneInfo(self.zone))
        if test.total or test.operator is model.Operator.TIME_BETWEEN:
            return (more.totals or {}).get(test.total, UNREADABLE) if test.total else now
        clock = {name: getattr(now, name) for name in ("year", "month", "day", "hour", "minute")}
        value: Any = {
            "type": action.type, "risk": action.risk.value, "effect": action.effect.value, "gateway": facts.gateway,
            "agent": {"id": facts.agent_id, "name": facts.agent_name, "environment": facts.environment},
            "connector": facts.connector, "parameters": action.parameters, "resource": action.resource,
            "time": clock | {"weekday": WEEKDAYS[now.weekday()], "date": now.date().isoformat()},
            "request": {name: getattr(more.request, name) or None for name in getattr(more.request, "__slots__", ())},
            "risk_hints": more.risk_hints if hints else {},
        }  # fmt: skip
        for part in test.field.split("."):
            if kind(value) != "mapping" and (kind(value) != "list" or not part.isdigit()):
                return ABSENT if value is None else UNREADABLE
            value = value.get(part) if kind(value) == "mapping" else dict(enumerate(value)).get(int(part))
        return ABSENT if value is None else value if kind(value) else UNREADABLE


def compare(name: str, value: Any, wanted: Any) -> int:
    """A positive operator of a value that is there. Only values of one kind can be compared."""
    if name == "in":
        return max((compare("equals", value, one) for one in wanted if kind(one) == kind(value)), default=ERROR)
    if name == "between":
        return min(compare("greater_than_or_equal", value, wanted[0]), compare("less_than_or_equal", value, wanted[1]))
    if name == "contains" and kind(value) == "list":
        return max((compare("equals", entry, wanted) for entry in value if entry is not None), default=FALSE)
    if name == "cidr":
        with suppress(ValueError):
            written = ip_address(value if kind(value) == "text" else "")
            address = getattr(written, "ipv4_mapped", None) or written
            return TRUE if any(address in ip_network(one) for one in wanted) else FALSE
        return ERROR
    if name in ("exists", "time_between"):
        return TRUE if name == "exists" or inside(value, wanted) else FALSE
    if kind(value) != kind(wanted) or (name == "contains" and kind(value) != "text"):
        return ERROR
    return TRUE if _SAYS[name](*(Decimal(repr(x)) if isinstance(x, float) else x for x in (value, wanted))) else FALSE


def kind(value: Any) -> str | None:
    if isinstance(value, int | float | Decimal) and not isinstance(value, bool):
        return "number" if isinstance(value, int) or isfinite(value) else None
    return {str: "text", bool: "truth", list: "list", dict: "mapping"}.get(type(value))


def inside(now: datetime, window: Window) -> bool:
    """Whether the minute of the week is less than the window's length after the beginning of one of its days."""
    now = now.astimezone(ZoneInfo(window.timezone)) if window.timezone else now
    minute, length = now.weekday() * 1440 + now.hour * 60 + now.minute, (window.end - window.start) % 1440 or 1440
    return any((minute - day * 1440 - window.start) % 10080 < length for day in window.days or range(7))


_SAYS: dict[str, Any] = {
    "equals": operator.eq, "contains": operator.contains, "starts_with": str.startswith, "ends_with": str.endswith,
    "greater_than": operator.gt, "greater_than_or_equal": operator.ge, "less_than": operator.lt,
    "less_than_or_equal": operator.le, "matches": lambda value, wanted: re2.search(wanted, value),
    "glob": lambda text, glob: re2.fullmatch("(?s)" + re2.escape(glob).replace(r"\*", ".*").replace(r"\?", "."), text),
}  # fmt: skip
