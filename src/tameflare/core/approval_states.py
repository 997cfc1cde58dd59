"""The life of an approval as a pure state machine: who did what when goes in, the next state comes out.

    pending  → approved | denied | expired
    approved → released | denied | expired | pending (people's votes no longer suffice)
    released → executed | failed | unknown; unknown → executed | failed (the record came late)

No state leads back from released: an approval is good for one request. `docs/approvals.md` explains each step.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from enum import StrEnum
from typing import Final

import msgspec
from msgspec.structs import replace

from tameflare.core.approval import Requirement
from tameflare.core.decision import Reason, Verdict
from tameflare.core.voting import Person, Vote, eligible, satisfied

GRANT_SECONDS: Final = 600
"""An approval that was given is good for so long, or for what remains of its life, if that is less."""


class Status(StrEnum):
    PENDING = "pending"
    APPROVED = "approved"
    DENIED = "denied"
    EXPIRED = "expired"
    RELEASED = "released"
    EXECUTED = "executed"
    FAILED = "failed"
    UNKNOWN = "unknown"


OPEN: Final = frozenset({Status.PENDING, Status.APPROVED})
SPENT: Final = frozenset({Status.RELEASED, Status.EXECUTED, Status.FAILED, Status.UNKNOWN})


class Standing(StrEnum):
    """Where a request stands with its approval."""

    PENDING = "pending"
    """People have not answered, or not enough of them."""
    APPROVED = "approved"
    """Take it with `Consume`, once the proxy has applied `configuration`."""
    RELEASED = "released"
    """Answer to `Consume`: this request, and no other, may go."""
    STALE = "stale"
    """Judge again on `configuration` first, then ask again."""
    REFUSED = "refused"
    """Denied, expired, unreachable, spent by another request, or too many: `reason` says which."""


class Asker(msgspec.Struct, frozen=True):
    """A request that waits at a proxy. `epoch` names the life of the proxy's process; empty: it did not say."""

    proxy: str
    request: str
    epoch: str = ""

    def is_same(self, other: Asker | None) -> bool:
        return other is not None and (self.proxy, self.request) == (other.proxy, other.request)


class Approval(msgspec.Struct, frozen=True):
    """One approval. Times in Unix seconds; `deadline` is when it expires unanswered.

    `excluded` are the people who stand behind the request (four eyes). `configuration` is the newest version that
    `requirement` was judged by. `taken` is the one request that was let go.
    """

    id: str
    gateway: str
    agent: str
    connector: str
    digest: str
    requirement: Requirement
    configuration: int
    raised_at: int
    deadline: int
    excluded: tuple[str, ...] = ()
    status: Status = Status.PENDING
    votes: tuple[Vote, ...] = ()
    waiting: tuple[Asker, ...] = ()
    taken: Asker | None = None
    answered_at: int | None = None
    reason: str = ""
    message: str = ""

    @property
    def is_open(self) -> bool:
        return self.status in OPEN

    @property
    def expires_at(self) -> int:
        """When it ends by itself while it is open."""
        if self.status is Status.APPROVED and self.answered_at is not None:
            return min(self.deadline, self.answered_at + GRANT_SECONDS)
        return self.deadline

    def waits(self, asker: Asker) -> bool:
        return any(asker.is_same(other) for other in self.waiting)


# --- asking -----------------------------------------------------------------------------------------------------------


def join(
    approval: Approval,
    asker: Asker,
    requirement: Requirement,
    configuration: int,
    people: Collection[Person],
    now: int,
) -> Approval:
    """Another request for the very same thing; it waits as well, or takes what was given with nobody waiting.

    Of two requirements the one that was judged by the newer configuration holds.
    """
    if not approval.is_open or approval.waits(asker):
        return approval
    joined = replace(approval, waiting=(*approval.waiting, asker))
    if configuration > joined.configuration:
        joined = replace(joined, requirement=requirement, configuration=configuration)
    return _evaluated(joined, people, now)


def leave(approval: Approval, asker: Asker, reason: str, message: str, now: int) -> Approval:
    """A connection waits no more. If that is because its request is no longer allowed, the approval ends with it."""
    if asker.is_same(approval.taken) and approval.status is Status.RELEASED:
        return settle(approval, Status.FAILED, message or "the connection ended before the request was sent")
    if not approval.is_open or not approval.waits(asker):
        return approval
    left = replace(approval, waiting=tuple(other for other in approval.waiting if not asker.is_same(other)))
    return _ended(left, Status.DENIED, reason, message, now) if reason in _ENDING else left


_ENDING: Final = frozenset(
    {Reason.RULE_DENY, Reason.NO_RULE, Reason.KILL_SWITCH_ACTIVE, Reason.ENGINE_ERROR, Reason.NO_CONNECTOR}
)


# --- answering --------------------------------------------------------------------------------------------------------


def vote(approval: Approval, cast: Vote, people: Collection[Person], now: int) -> Approval:
    """One eligible no ends it; enough eligible yeses answer it. A person's later vote replaces the earlier one."""
    able = eligible(approval.requirement, approval.excluded, people)
    if approval.status is not Status.PENDING or now >= approval.deadline or cast.person not in able:
        return approval
    votes = (*(other for other in approval.votes if other.person != cast.person), cast)
    voted = replace(approval, votes=votes)
    if not cast.approve:
        return _ended(voted, Status.DENIED, Reason.APPROVAL_DENIED, cast.reason, now)
    return _evaluated(voted, people, now)


def _evaluated(approval: Approval, people: Collection[Person], now: int) -> Approval:
    """Approved or pending, as the votes that count today say."""
    enough = satisfied(approval.requirement, approval.excluded, approval.votes, people)
    if enough and approval.status is Status.PENDING:
        return replace(approval, status=Status.APPROVED, answered_at=now, reason=Reason.APPROVED.value)
    if not enough and approval.status is Status.APPROVED:
        return replace(approval, status=Status.PENDING, answered_at=None, reason="", message="")
    return approval


# --- letting go -------------------------------------------------------------------------------------------------------


def consume(
    approval: Approval,
    asker: Asker,
    requirement: Requirement,
    configuration: int,
    newest: int,
    people: Collection[Person],
    now: int,
) -> tuple[Approval, Standing]:
    """Take the approval for one request, which was judged on `configuration` and still needs `requirement`.

    `newest` is the version that is published now. Asked again by the same request the answer is the same.
    """
    if approval.status is Status.RELEASED and asker.is_same(approval.taken):
        return approval, Standing.RELEASED
    approval = expire(approval, now)
    if not approval.is_open or not approval.waits(asker):
        return approval, Standing.REFUSED
    if configuration < newest:
        return approval, Standing.STALE
    judged = _evaluated(replace(approval, requirement=requirement, configuration=configuration), people, now)
    if judged.status is not Status.APPROVED:
        return judged, Standing.PENDING
    return replace(judged, status=Status.RELEASED, taken=asker), Standing.RELEASED


def settle(approval: Approval, outcome: Status, message: str = "") -> Approval:
    """What became of the request that was let go. What a record says holds against what was only presumed."""
    if approval.status not in SPENT or approval.status is Status.EXECUTED:
        return approval
    if outcome is Status.UNKNOWN and approval.status is not Status.RELEASED:
        return approval
    return replace(approval, status=outcome, message=message)


def restarted(approval: Approval, proxy: str, epoch: str) -> Approval:
    """The proxy's process lives its life `epoch`: nothing of an earlier one waits, or will still tell how it ended."""
    if approval.is_open:
        still = tuple(asker for asker in approval.waiting if asker.proxy != proxy or asker.epoch in ("", epoch))
        return approval if len(still) == len(approval.waiting) else replace(approval, waiting=still)
    taken = approval.taken
    if taken is None or taken.proxy != proxy or taken.epoch in ("", epoch):
        return approval
    return settle(approval, Status.UNKNOWN, "the proxy ended before it knew how the request went")


# --- ending -----------------------------------------------------------------------------------------------------------


def expire(approval: Approval, now: int) -> Approval:
    if not approval.is_open or now < approval.expires_at:
        return approval
    message = "nobody took it in time" if approval.status is Status.APPROVED else "not enough people answered in time"
    return _ended(approval, Status.EXPIRED, Reason.APPROVAL_EXPIRED, message, now)


def stop(approval: Approval, message: str, now: int) -> Approval:
    """A kill switch that fits the request was thrown."""
    return refuse(approval, Reason.KILL_SWITCH_ACTIVE, message, now)


def refuse(approval: Approval, reason: Reason, message: str, now: int) -> Approval:
    """What it is about is no longer allowed, whoever waits for it."""
    return _ended(approval, Status.DENIED, reason, message, now) if approval.is_open else approval


def _ended(approval: Approval, status: Status, reason: str, message: str, now: int) -> Approval:
    return replace(approval, status=status, answered_at=now, reason=str(reason), message=message)


def standing(approval: Approval, asker: Asker) -> Standing:
    """How a request stands that asks without taking."""
    if approval.status is Status.RELEASED and asker.is_same(approval.taken):
        return Standing.RELEASED
    if not approval.is_open or not approval.waits(asker):
        return Standing.REFUSED
    return Standing.APPROVED if approval.status is Status.APPROVED else Standing.PENDING


def refusal(approval: Approval) -> tuple[Reason, str]:
    """Why a request that asks for it gets nothing."""
    if approval.status in SPENT:
        return Reason.APPROVAL_SPENT, "the approval was used by another request"
    if approval.is_open:
        return Reason.APPROVAL_REQUIRED, "this request no longer waits for the approval"
    return Reason(approval.reason), approval.message


def told(before: Approval, after: Approval) -> Verdict | None:
    """What those who wait must hear of a change, if anything.

    A request can take what its own, newer judgement made whole: the others hear that it was given, and find it spent.
    """
    if after.status is before.status:
        return None
    if after.status in (Status.DENIED, Status.EXPIRED):
        return Verdict.DENY
    given = after.status is Status.APPROVED or (before.status is Status.PENDING and after.status is Status.RELEASED)
    return Verdict.ALLOW if given else None


def waiting_proxies(approval: Approval) -> Sequence[str]:
    """The proxies to tell of an answer, each once."""
    return tuple(dict.fromkeys(asker.proxy for asker in approval.waiting))
