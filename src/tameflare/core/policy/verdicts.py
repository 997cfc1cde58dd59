"""From rules that matched to one verdict: deny > requires_approval > allow; an error denies."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Final

import msgspec

from tameflare.core.approval import ANYBODY, Requirement
from tameflare.core.decision import STRICTNESS, Reason, Verdict
from tameflare.core.policy.rules import CompiledRule
from tameflare.core.policy.verdict import SILENT, PolicyVerdict

_REASONS: Final = {
    Verdict.ALLOW: Reason.POLICY_ALLOW,
    Verdict.DENY: Reason.POLICY_DENY,
    Verdict.REQUIRES_APPROVAL: Reason.APPROVAL_REQUIRED,
}
_WORDS: Final = {
    Verdict.ALLOW: "is allowed",
    Verdict.DENY: "is denied",
    Verdict.REQUIRES_APPROVAL: "needs an approval",
}


def of_matched(matched: Sequence[CompiledRule], action_type: str) -> PolicyVerdict:
    """What these rules come to, in the order of their priority."""
    if not matched:
        return SILENT
    verdict = max((each.rule.decision for each in matched), key=STRICTNESS.__getitem__)
    first = sorted(matched, key=lambda each: each.rule.decision is not verdict)
    said = first[0].rule.reason or f"`{action_type}` {_WORDS[verdict]} by {in_words(first[0].label)}"
    return PolicyVerdict(
        verdict,
        _REASONS[verdict],
        said,
        _labels(first),
        _requirements(matched) if verdict is Verdict.REQUIRES_APPROVAL else (),
        _score(matched),
    )


def of_errors(failed: Sequence[CompiledRule], written: PolicyVerdict, reason: Reason, message: str) -> PolicyVerdict:
    """What rules come to of which some cannot be judged: a `written` denial stands as it is, otherwise the error
    denies. `written` is what the others come to."""
    labels = _labels(failed)
    if written.verdict is Verdict.DENY:
        return msgspec.structs.replace(written, matched=tuple(dict.fromkeys((*written.matched, *labels))))
    matched = tuple(dict.fromkeys((*labels, *written.matched)))
    return PolicyVerdict(Verdict.DENY, reason, message, matched, (), written.risk_score)


def in_words(label: str) -> str:
    """`policy:protect-main@3:ask` as people read it."""
    _, _, name = label.partition(":")
    policy, _, rule = name.partition(":")
    return f"policy `{policy}`, rule `{rule}`" if rule else f"policy `{policy}`"


def _labels(rules: Iterable[CompiledRule]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(each.label for each in rules))


def _requirements(rules: Iterable[CompiledRule]) -> tuple[Requirement, ...]:
    asking = (each.rule for each in rules if each.rule.decision is Verdict.REQUIRES_APPROVAL)
    return tuple(dict.fromkeys(rule.approval or ANYBODY for rule in asking))


def _score(rules: Iterable[CompiledRule]) -> int | None:
    return max((each.rule.risk_score for each in rules if each.rule.risk_score is not None), default=None)
