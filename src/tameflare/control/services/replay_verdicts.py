"""The verdict on a record, or that it cannot be told, and what the record would have to hold."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

import msgspec

from tameflare.control.services.replay_cases import PROXY, Case
from tameflare.core.action import Action
from tameflare.core.decision import STRICTNESS, Decision, Reason, Verdict
from tameflare.core.judge import applicable, by_rules_alone, facts, judge_action
from tameflare.core.policy.explain import Combination, Comparison, Result
from tameflare.core.policy.fields import UNREADABLE

CANNOT_TELL: Final = "cannot_tell"
_ERRORS: Final = (Reason.ENGINE_ERROR, Reason.TOTAL_UNAVAILABLE)


class Judged(msgspec.Struct, frozen=True):
    """`verdict` is one of core.decision.Verdict, or CANNOT_TELL; `needs` are pairs of a policy's rule and a field that
    the record does not hold."""

    verdict: str
    reason: str = ""
    message: str = ""
    because: tuple[str, ...] = ()
    needs: tuple[tuple[str, str], ...] = ()


def judged(case: Case) -> Judged:
    """What the strictest of its actions comes to; a denial of one needs no word about the others."""
    told: list[Decision] = []
    needs: list[tuple[str, str]] = []
    for action in case.actions:
        decision = judge_action(case.gateway, case.agent, case.connector, action, case.circumstances)
        missing = [] if _is_certain(case, action, decision) else list(_missing(case, action))
        needs += missing
        if not missing:
            told.append(decision)
    strictest = max(told, key=lambda each: STRICTNESS[each.would_be], default=None)
    if strictest is not None and (strictest.would_be is Verdict.DENY or not needs):
        return Judged(strictest.would_be.value, strictest.reason.value, strictest.message, strictest.matched)
    return Judged(CANNOT_TELL, needs=tuple(dict.fromkeys(needs)))


def _is_certain(case: Case, action: Action, decision: Decision) -> bool:
    """Whether no policy failed, or one that did could not have changed the verdict: policies only narrow."""
    if decision.reason not in (*_ERRORS, Reason.MONITORED):
        return True
    return (
        not case.gateway.policy_only and by_rules_alone(case.gateway, case.connector, action).would_be is Verdict.DENY
    )


def _missing(case: Case, action: Action) -> Iterator[tuple[str, str]]:
    """What rules wanted to know and the record does not hold; nothing where they failed for another reason."""
    found = applicable(case.gateway, case.agent, case.connector, action.type)
    if found is None:
        return
    explained = found.candidates.explain(facts(case.gateway, case.agent, case.connector, action, case.circumstances))
    if explained.verdict.reason not in _ERRORS:
        return
    failed = {
        f"{policy.name}:{rule.name}": list(dict.fromkeys(_untold(rule.condition, case.recorded.road)))
        for policy in explained.policies
        for rule in policy.rules
        if rule.result is Result.ERROR
    }
    if all(failed.values()):
        yield from ((rule, field) for rule, fields in failed.items() for field in fields)


def _untold(condition: Comparison | Combination | None, road: str) -> Iterator[str]:
    """The fields that a record of this road lacks and a condition failed for; of the decision API all is recorded, and
    only running totals are gone."""
    if isinstance(condition, Combination):
        for part in condition.parts:
            yield from _untold(part, road)
    elif condition is not None and condition.result is Result.ERROR and _is_lacking(condition, road):
        yield condition.field


def _is_lacking(test: Comparison, road: str) -> bool:
    return test.seen == UNREADABLE.value and (road == PROXY or test.field.startswith("total("))
