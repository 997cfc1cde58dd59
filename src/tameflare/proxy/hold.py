"""One request that waits for people. See docs/approvals.md for the whole story; this is the proxy's part of it.

A hold is one connection's wait for one approval. It asks the control plane to raise the approval, waits for the feed to
say that people have answered, has the request judged again on a configuration at least as new as that answer, takes the
approval for this one request (`consume`, which succeeds once), and lets it go. Nothing here reads a clock or a socket:
the same code runs in the model that tries to make it release twice.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Collection
from enum import Enum
from typing import Final, Protocol

from tameflare.core.approval import Requirement
from tameflare.core.decision import Reason, Verdict
from tameflare.link.approvals import Answer, Consume, Held, Leave, Raise, Standing
from tameflare.link.messages import ApprovalAnswered
from tameflare.proxy.refusal import Refusal

UNASKED: Final = Refusal(Reason.APPROVALS_UNAVAILABLE, "the control plane, which asks people, does not answer")
UNANSWERED: Final = Refusal(Reason.APPROVAL_TIMEOUT, "nobody answered while the connection waited")

CALLED_OFF: Final = Refusal(Reason.CLIENT_CLOSED, "the client said that it no longer waits for this")

Name = tuple[str, ...]
"""By which a client can call off a request that it sent before, on another connection."""

Reply = Callable[[Answer | None], None]
"""Takes the control plane's answer; None where it could not be had."""

ASK_AGAIN_SECONDS: Final = 1.0
MOST_QUESTIONS: Final = 16
"""How often one wait raises an approval: each was used by another request."""


class Questions(Protocol):
    """The way to the control plane. Each reply comes later, at most once, never from within the call."""

    def raise_(self, question: Raise, reply: Reply) -> None: ...

    def consume(self, approval: str, question: Consume, reply: Reply) -> None: ...

    def leave(self, approval: str, message: Leave) -> None: ...


class Waiting(Protocol):
    """The request that waits, and the connection that it came on."""

    def judge_again(self) -> Judged:
        """Judge on the newest configuration: a refusal, who must still agree, or None where nobody need; or LATER, and
        then `Hold.judged` is called, from without, unless the hold is over before."""

    def let_go(self, approval: str) -> None:
        """Send it. `approval` is empty where, by now, it needs none."""

    def refuse(self, refusal: Refusal) -> None: ...

    def renew(self) -> str:
        """Give it another request id: each approval is raised by a request of its own."""


class Later(Enum):
    LATER = "later"


class Need:
    """A request as it must be agreed to: what it is, by whom, and the version that it was judged by."""

    __slots__ = ("held", "requirement", "version")

    def __init__(self, held: Held, requirement: Requirement, version: int) -> None:
        self.held = held
        self.requirement = requirement
        self.version = version


Judged = Refusal | Need | Later | None


class Phase(Enum):
    RAISING = "raising"
    WAITING = "waiting"
    BEHIND = "behind"
    """Answered, but the proxy has not applied the configuration that the answer was given under."""
    JUDGING = "judging"
    """It is being judged again, which takes a question to the control plane."""
    CONSUMING = "consuming"
    UNHEARD = "unheard"
    """The control plane did not answer `consume`; it is asked again."""
    OVER = "over"


class Desk(Protocol):
    """What one wait needs of all of them: see holds.py. It is told when it can be answered, and when it is over."""

    epoch: str
    questions: Questions
    version: Callable[[], int]
    tick: Callable[[], float]
    answers: OrderedDict[str, ApprovalAnswered]
    early: float

    def enter(self, hold: Hold) -> None:
        """It waits for its approval from now on."""

    def exit(self, hold: Hold) -> None:
        """It no longer waits for this approval; harmless where it did not."""

    def ended(self, hold: Hold) -> None: ...


class Hold:
    """One wait. Times in seconds of a clock that never goes back."""

    __slots__ = (
        "_again_at",
        "_desk",
        "_heard",
        "_need",
        "_questions",
        "_request",
        "_request_id",
        "_version",
        "approval",
        "deadline",
        "names",
        "phase",
    )

    def __init__(
        self, desk: Desk, request: Waiting, request_id: str, need: Need, deadline: float, names: Collection[Name]
    ) -> None:
        self._desk = desk
        self._request = request
        self._request_id = request_id
        self._need = need
        self._version = 0
        self._heard: ApprovalAnswered | None = None
        self._again_at = 0.0
        self._questions = 0
        self.approval = ""
        self.deadline = deadline
        self.names = names
        self.phase = Phase.RAISING

    def raise_(self, now: float) -> None:
        """Ask for the approval of the request as it was judged last."""
        self._desk.exit(self)
        self.approval = ""
        self.phase = Phase.RAISING
        if self._questions:
            self._request_id = self._request.renew()
        self._questions += 1
        need, desk = self._need, self._desk
        wait = max(0.0, self.deadline + desk.early - now)
        question = Raise(self._request_id, need.held, need.requirement, need.version, wait, desk.epoch)
        self._desk.questions.raise_(question, self._raised)

    # --- what comes back

    def _raised(self, answer: Answer | None) -> None:
        if self.phase is not Phase.RAISING:
            if answer is not None and answer.approval:
                self._tell_left(answer.approval, Reason.CLIENT_CLOSED, "")
            return
        if answer is None:
            self._refuse(UNASKED)
            return
        if answer.approval:
            self.approval = answer.approval
            self._desk.enter(self)
        if answer.standing is Standing.PENDING:
            self._wait()
        else:
            self._stands(answer)

    def _wait(self) -> None:
        """Wait for the feed; it may have said it before we were told what to wait for, or that we must wait again."""
        self.phase = Phase.WAITING
        known = self._desk.answers.get(self.approval)
        if known is not None and known is not self._heard:
            self.answered(known)

    def answered(self, answer: ApprovalAnswered) -> None:
        """The feed says that people have answered, or that the approval is over."""
        if self.phase is not Phase.WAITING:
            return
        self._heard = answer
        if answer.verdict is Verdict.ALLOW:
            self._take(answer.version)
        else:
            self._refuse(Refusal(_reason(answer.reason), answer.message or "nobody agreed to this request"))

    def applied(self) -> None:
        """A newer configuration is served now."""
        if self.phase is Phase.BEHIND:
            self._take(self._version)

    def _take(self, version: int) -> None:
        """Judge again, then take the approval, or ask for the one that is needed now; on a configuration as new as
        `version`."""
        if self._desk.version() < version:
            self.phase, self._version = Phase.BEHIND, version
            return
        self.phase = Phase.JUDGING
        self.judged(self._request.judge_again())

    @property
    def judges(self) -> bool:
        """Whether it waits for being judged again."""
        return self.phase is Phase.JUDGING

    def judged(self, judged: Judged) -> None:
        """What judging again has come to."""
        if isinstance(judged, Later):
            return
        if isinstance(judged, Refusal):
            self._tell_left(self.approval, judged.reason, judged.message)
            self._refuse(judged)
        elif judged is None:
            self._tell_left(self.approval, None, "")
            self._release("")
        else:
            self._go_on(judged)

    def _go_on(self, need: Need) -> None:
        same, self._need = need.held.digest == self._need.held.digest, need
        if self.approval and same:
            self._consume()
            return
        self._tell_left(self.approval, None, "")
        self.raise_(self._desk.tick())

    def _consume(self) -> None:
        self.phase = Phase.CONSUMING
        need = self._need
        digest = need.held.digest
        question = Consume(self._request_id, digest, need.requirement, need.version, self._desk.epoch)
        self._desk.questions.consume(self.approval, question, self._consumed)

    def _consumed(self, answer: Answer | None) -> None:
        if self.phase is not Phase.CONSUMING:
            if answer is not None and answer.standing is Standing.RELEASED:  # too late: nothing was sent
                self._tell_left(self.approval, Reason.CLIENT_CLOSED, "")
        elif answer is None:
            self.phase, self._again_at = Phase.UNHEARD, self._desk.tick() + ASK_AGAIN_SECONDS
        else:
            self._stands(answer)

    def _stands(self, answer: Answer) -> None:
        if answer.standing is Standing.RELEASED:
            self._release(self.approval)
        elif answer.standing is Standing.PENDING:
            self._wait()
        elif answer.standing is Standing.APPROVED:
            self._take(answer.configuration)
        elif answer.standing is Standing.STALE:
            self._take(max(answer.configuration, self._need.version + 1))
        elif answer.reason == Reason.APPROVAL_SPENT and self._questions < MOST_QUESTIONS:
            self.raise_(self._desk.tick())  # another request used it; this one is a deed of its own
        else:
            self._refuse(Refusal(_reason(answer.reason), answer.message or "nobody agreed to this request"))

    # --- the end

    def sweep(self, now: float) -> None:
        """Called about once a second. A question under way is waited for: its answer may be that the request may go."""
        if now < self.deadline:
            if self.phase is Phase.UNHEARD and now >= self._again_at:
                self._consume()
        elif self.phase is not Phase.CONSUMING or now >= self.deadline + self._desk.early:
            self._tell_left(self.approval, Reason.APPROVAL_TIMEOUT, "")
            self._refuse(UNASKED if self.phase is Phase.RAISING else UNANSWERED)

    def leave(self, reason: Reason) -> None:
        """The connection is gone, or was answered otherwise. Harmless where the hold is over."""
        if self.phase is not Phase.OVER:
            self._tell_left(self.approval, reason, "")
            self._end()

    def call_off(self) -> None:
        """The client waits no more, although its connection stands."""
        if self.phase is not Phase.OVER:
            self._tell_left(self.approval, CALLED_OFF.reason, "")
            self._refuse(CALLED_OFF)

    def _tell_left(self, approval: str, reason: Reason | None, message: str) -> None:
        if approval:
            self._desk.questions.leave(approval, Leave(self._request_id, reason or "", message))

    def _release(self, approval: str) -> None:
        self._end()
        self._request.let_go(approval)

    def _refuse(self, refusal: Refusal) -> None:
        self._end()
        self._request.refuse(refusal)

    def _end(self) -> None:
        self.phase = Phase.OVER
        self._desk.ended(self)


def _reason(code: str) -> Reason:
    try:
        return Reason(code)
    except ValueError:
        return Reason.APPROVAL_DENIED
