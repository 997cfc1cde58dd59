"""The life of an action that was asked for by the decision API, as a pure state machine.

    allowed          → executed | failed | expired
    pending_approval → approved | denied | expired
    approved         → executed | failed | expired

`denied`, `expired`, `executed` and `failed` are ends. An action is *taken* once, before it is carried out: from then on
it cannot expire and nobody takes it again; how it went is told by `settle`, and where nobody will ever tell, by `lose`.
A step that a state does not have leaves it as it is: compare, to see whether it was taken.
"""

from __future__ import annotations

from enum import StrEnum
from typing import Any, Final, TypeVar

import msgspec
from msgspec.structs import replace

from tameflare.core.decision import Reason, Verdict

TOKEN_SECONDS: Final = 300
"""What was allowed or approved is to be carried out within so many seconds."""
OUTCOME_UNKNOWN: Final = "outcome_unknown"


class ActionStatus(StrEnum):
    ALLOWED = "allowed"
    DENIED = "denied"
    PENDING_APPROVAL = "pending_approval"
    APPROVED = "approved"
    EXPIRED = "expired"
    EXECUTED = "executed"
    FAILED = "failed"


READY: Final = frozenset({ActionStatus.ALLOWED, ActionStatus.APPROVED})
"""May be carried out."""
OPEN: Final = READY | {ActionStatus.PENDING_APPROVAL}
FIRST: Final = {
    Verdict.ALLOW: ActionStatus.ALLOWED,
    Verdict.DENY: ActionStatus.DENIED,
    Verdict.REQUIRES_APPROVAL: ActionStatus.PENDING_APPROVAL,
}
"""The state that a verdict begins with."""


class ActionState(msgspec.Struct, frozen=True, kw_only=True):
    """Times in Unix seconds. `expires_at` is when it ends by itself; None: it has ended. `reason` is a
    core.decision.Reason and says why it is what it is; `outcome` is what is known of how it was carried out."""

    status: ActionStatus
    reason: str
    message: str
    changed_at: int
    expires_at: int | None = None
    taken_at: int | None = None
    outcome: dict[str, Any] | None = None


S = TypeVar("S", bound=ActionState)


def approve(state: S, now: int) -> S:
    """People agreed; the time to carry it out runs from here."""
    if state.status is not ActionStatus.PENDING_APPROVAL:
        return state
    approved = replace(state, status=ActionStatus.APPROVED, reason=Reason.APPROVED.value, message="people agreed")
    return replace(approved, changed_at=now, expires_at=now + TOKEN_SECONDS)


def deny(state: S, reason: str, message: str, now: int) -> S:
    """It will not be done: somebody said no, a kill switch was thrown, or rules changed meanwhile."""
    if state.status is not ActionStatus.PENDING_APPROVAL:
        return state
    return _ended(replace(state, reason=reason, message=message), ActionStatus.DENIED, now)


def lapse(state: S, message: str, now: int) -> S:
    """The approval that it waited for ended unanswered."""
    if state.status is not ActionStatus.PENDING_APPROVAL:
        return state
    return _ended(replace(state, reason=Reason.APPROVAL_EXPIRED.value, message=message), ActionStatus.EXPIRED, now)


def expire(state: S, now: int) -> S:
    """Nobody carried it out in time. What waits for people ends with its approval, by `lapse`."""
    if state.status not in READY or state.taken_at is not None:
        return state
    if state.expires_at is None or now < state.expires_at:
        return state
    return _ended(state, ActionStatus.EXPIRED, now)


def can_be_taken(state: ActionState, now: int) -> bool:
    """Whether it may be carried out now."""
    ready = state.status in READY and state.taken_at is None
    return ready and (state.expires_at is None or now < state.expires_at)


def take(state: S, now: int) -> S:
    """Somebody carries it out; ask `can_be_taken` in the same transaction."""
    if not can_be_taken(state, now):
        return state
    return replace(state, taken_at=now, expires_at=None)


def settle(state: S, done: bool, outcome: dict[str, Any], now: int) -> S:
    """How it went. What is told holds against what was only presumed, so an unknown outcome may become known."""
    presumed = state.status is ActionStatus.FAILED and (state.outcome or {}).get("code") == OUTCOME_UNKNOWN
    if not presumed and (state.status not in READY or state.taken_at is None):
        return state
    status = ActionStatus.EXECUTED if done else ActionStatus.FAILED
    return _ended(replace(state, outcome=outcome), status, now)


def lose(state: S, message: str, now: int) -> S:
    """It was taken, and nobody will tell how it went: never tried again."""
    if state.status not in READY or state.taken_at is None:
        return state
    return settle(state, False, {"code": OUTCOME_UNKNOWN, "message": message}, now)


def _ended(state: S, status: ActionStatus, now: int) -> S:
    return replace(state, status=status, changed_at=now, expires_at=None)
