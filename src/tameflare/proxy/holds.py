"""All requests of this process that wait for people: who is told what by the feed, by time, by a client."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Collection
from typing import Final

from tameflare.link.messages import ApprovalAnswered
from tameflare.proxy.hold import Hold, Name, Need, Questions, Waiting

ANSWERED_EARLY: Final = 5.0
"""Seconds before TF_APPROVAL_TIMEOUT at which the agent is answered, ahead of clients that give up just then."""
REMEMBERED_ANSWERS: Final = 4096


class Holds:
    """All waits of this process, whose life is named by `epoch`. `version` is that of the configuration being served,
    `wait` the setting, in seconds."""

    def __init__(
        self, questions: Questions, epoch: str, version: Callable[[], int], tick: Callable[[], float], wait: float
    ) -> None:
        self.epoch = epoch
        self.questions = questions
        self.version = version
        self.tick = tick
        self.answers: OrderedDict[str, ApprovalAnswered] = OrderedDict()
        self.early = min(ANSWERED_EARLY, wait / 2)
        self._wait = wait - self.early
        self._holds: set[Hold] = set()
        self._by_approval: dict[str, set[Hold]] = {}
        self._by_name: dict[Name, Hold] = {}

    def __len__(self) -> int:
        return len(self._holds)

    def begin(self, request: Waiting, request_id: str, need: Need, names: Collection[Name] = ()) -> Hold:
        """Hold a request from now on; `names` are what `call_off` may be asked for."""
        now = self.tick()
        hold = Hold(self, request, request_id, need, now + self._wait, names)
        self._holds.add(hold)
        self._by_name.update(dict.fromkeys(names, hold))
        hold.raise_(now)
        return hold

    def answered(self, answer: ApprovalAnswered) -> None:
        """A message of the feed; it may come more than once, and before its approval is known here."""
        self.answers[answer.approval] = answer
        self.answers.move_to_end(answer.approval)
        if len(self.answers) > REMEMBERED_ANSWERS:
            self.answers.popitem(last=False)
        for hold in list(self._by_approval.get(answer.approval, ())):
            hold.answered(answer)

    def applied(self) -> None:
        """A newer configuration is served now."""
        for hold in list(self._holds):
            hold.applied()

    def call_off(self, name: Name) -> None:
        """Whoever sent the request of this name no longer waits for it; nothing, where none waits."""
        hold = self._by_name.get(name)
        if hold is not None:
            hold.call_off()

    def sweep(self, now: float) -> None:
        for hold in list(self._holds):
            hold.sweep(now)

    def enter(self, hold: Hold) -> None:
        self._by_approval.setdefault(hold.approval, set()).add(hold)

    def exit(self, hold: Hold) -> None:
        waiting = self._by_approval.get(hold.approval)
        if waiting is not None:
            waiting.discard(hold)
            if not waiting:
                del self._by_approval[hold.approval]

    def ended(self, hold: Hold) -> None:
        self._holds.discard(hold)
        for name in hold.names:
            if self._by_name.get(name) is hold:
                del self._by_name[name]
        self.exit(hold)
