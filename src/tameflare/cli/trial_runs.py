"""Trials carried out: what policies say of an action, in the lines that a trial expects."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal
from typing import Final

import msgspec

from tameflare.cli.trial_actions import Asked, read_action
from tameflare.cli.trial_files import Trial, TrialFile
from tameflare.core.approval import Requirement
from tameflare.core.config import PolicyConfig
from tameflare.core.decision import STRICTNESS
from tameflare.core.errors import InvalidValue
from tameflare.core.policy.candidates import Candidates
from tameflare.core.policy.compile import PolicySet, compile_set
from tameflare.core.policy.diagnostics import meant, quoted
from tameflare.core.policy.facts import Facts
from tameflare.core.policy.model import Total
from tameflare.core.policy.parse import Parsed
from tameflare.core.policy.verdict import SILENT, PolicyVerdict
from tameflare.core.totals import NOTHING as NO_AMOUNT
from tameflare.core.totals import add, amounts

NOTHING: Final = "nothing"
"""In the place of a verdict: no policy says anything, and the access rule stands."""
_VERDICTS: Final = ("allow", "deny", "requires_approval", "require_approval", NOTHING)
_LINES: Final = ("code", "reason", "matched", "risk_score", "approval")


@dataclass(frozen=True, slots=True)
class Result:
    """What came of a trial; `problem` is empty where it is what was expected. `got` are all lines of what came."""

    line: int
    title: str
    problem: str
    got: str = ""


def run_file(file: TrialFile) -> list[Result]:
    """Carry out every trial of a file."""
    faults = [str(fault) for _, parsed in file.policies for fault in parsed.diagnostics]
    if file.faults is not None:
        return [_faults(faults, file.faults)]
    if faults or not file.policies:
        return [Result(1, "the policies", "they have faults", "\n".join(faults) or "no policy")]
    return [run_trial(trial, file.policies) for trial in file.trials]


def _faults(found: list[str], expected: str) -> Result:
    """Whether exactly the expected faults were told."""
    got = "\n".join(found)
    return Result(1, "the faults", "" if got == expected else "other faults than expected", got or "no fault")


def run_trial(trial: Trial, policies: Iterable[tuple[str, Parsed]]) -> Result:
    try:
        asked = read_action(trial.action, trial.line)
        got = judged(asked, policies)
        problem = _difference(trial.expected, got)
    except InvalidValue as fault:
        return Result(trial.line, trial.title, str(fault))
    return Result(trial.line, trial.title, problem, "\n".join(_written(got)))


def judged(asked: Asked, policies: Iterable[tuple[str, Parsed]]) -> PolicyVerdict:
    """The strictest verdict on any of the actions."""
    compiled = compile_set(map(_config, policies), asked.timezone)
    found = [(facts, _candidates(compiled, facts)) for facts in asked.facts]
    places = [(facts, candidates) for facts, candidates in found if candidates is not None]
    totals = _totals(places, asked.totals)
    verdicts = [candidates.judge(_with(facts, totals)) for facts, candidates in places]
    return max(verdicts, key=lambda each: -1 if each.verdict is None else STRICTNESS[each.verdict], default=SILENT)


def _config(entry: tuple[str, Parsed]) -> PolicyConfig:
    parsed = entry[1]
    assert parsed.policy is not None
    return PolicyConfig(parsed.policy.name, parsed.policy.name, 1, parsed.source, parsed.scope)


def _candidates(compiled: PolicySet, facts: Facts) -> Candidates | None:
    return compiled.candidates(facts.gateway, facts.connector, facts.agent_name, facts.environment, facts.action.type)


def _with(facts: Facts, totals: Mapping[Total, Decimal]) -> Facts:
    return replace(facts, circumstances=replace(facts.circumstances, totals=totals))


def _totals(places: Sequence[tuple[Facts, Candidates]], written: Mapping[Total, Decimal]) -> dict[Total, Decimal]:
    """What this request alone adds to the totals that it counts for, or what the trial says instead.

    An amount that cannot be added up stays so, whatever the trial says.
    """
    found: dict[Total, Decimal] = {}
    for place in places:
        for total, amount in _added(*place).items():
            found[total] = add(found.get(total, NO_AMOUNT), amount)
    for total, amount in found.items():
        if not amount.is_nan():
            found[total] = written.get(msgspec.structs.replace(total, of=""), amount)
    return found


def _added(facts: Facts, candidates: Candidates) -> dict[Total, Decimal]:
    return amounts([facts.action], lambda _: candidates.counted(facts))


# --- lines ------------------------------------------------------------------------------------------------------------


def _written(got: PolicyVerdict) -> list[str]:
    """A verdict in the lines that a trial may expect."""
    word = NOTHING if got.verdict is None else got.verdict.value
    return [word, *(f"{key}: {value}" for key, value in _told(got).items() if value)]


def _told(got: PolicyVerdict) -> dict[str, str]:
    return {
        "code": "" if got.verdict is None else got.reason.value,
        "reason": got.message,
        "matched": ", ".join(map(_without_version, got.matched)),
        "risk_score": "" if got.risk_score is None else str(got.risk_score),
        "approval": "; ".join(map(_asks, got.requirements)),
    }


def _without_version(label: str) -> str:
    """`policy:payments@1:ask` as `payments:ask`: a file has no version."""
    name, _, rest = label.removeprefix("policy:").partition("@")
    return f"{name}:{rest.partition(':')[2]}"


def _asks(requirement: Requirement) -> str:
    """Who must agree, in words."""
    words = [requirement.role.value]
    words += [f"quorum {requirement.quorum}"] if requirement.quorum > 1 else []
    words += [f"groups {' and '.join(requirement.groups)}"] if requirement.groups else []
    words += ["distinct approvers"] if requirement.distinct else []
    words += [f"within {requirement.timeout} s"] if requirement.timeout is not None else []
    words += ["may be remembered"] if requirement.remember else []
    return ", ".join(words)


def _difference(expected: str, got: PolicyVerdict) -> str:
    """What is not as expected. Raises InvalidValue where that cannot be read."""
    first, *others = expected.split("\n") if expected else [""]
    if first not in _VERDICTS:
        raise InvalidValue(f"no verdict {quoted(first)}", meant(first, _VERDICTS))
    word = NOTHING if got.verdict is None else got.verdict.value
    if first.replace("require_", "requires_") != word:
        return f"`{first}` was expected, not `{word}`"
    told = _told(got)
    for line in others:
        key, _, wanted = line.partition(":")
        if key not in _LINES:
            raise InvalidValue(f"no expectation {quoted(key)}", meant(key, _LINES))
        if wanted.strip() != told[key]:
            return f"`{key}: {wanted.strip()}` was expected, not `{told[key]}`"
    return ""
