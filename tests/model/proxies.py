"""Proxies and their clients as the model plays them: requests that wait, ask, go and vanish, over a bad network."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import Enum

from tests.model.control import AGENTS

from tameflare.core.approval import Requirement
from tameflare.core.decision import Reason
from tameflare.link.approvals import Answer, Consume, Held, HeldAction, Leave, Raise, Standing

WAIT = 300


class Stage(Enum):
    """Where a request stands, as its proxy knows."""

    ASKING = "asking"
    WAITING = "waiting"
    GONE = "gone"
    SENT = "sent"


@dataclass
class Request:
    """One request of an agent. `told`: the answer to its Raise was that people have agreed already."""

    id: str
    proxy: int
    epoch: str
    agent: str
    digest: str
    stage: Stage = Stage.ASKING
    approval: str = ""
    told: bool = False

    def raising(self, requirement: Requirement, configuration: int) -> Raise:
        action = HeldAction("stripe.refund.create", "high", "money", {}, {"digest": self.digest})
        held = Held(
            self.digest, AGENTS[self.agent], self.agent, "gtk_1", "run_1", "stripe", (action,), "POST", "https",
            "api.stripe.com", 443, "/v1/refunds", "application/json", "00" * 32, 2,
        )  # fmt: skip
        return Raise(self.id, held, requirement, configuration, WAIT, self.epoch)

    def hear(self, answer: Answer) -> None:
        """The answer to a question has arrived, if the client is still there."""
        if self.stage in (Stage.GONE, Stage.SENT):
            return
        self.approval = answer.approval or self.approval
        self.told = self.told or answer.standing is Standing.APPROVED
        if answer.standing is Standing.RELEASED:
            self.stage = Stage.SENT
        elif answer.standing is Standing.REFUSED:
            self.stage = Stage.GONE
        else:
            self.stage = Stage.WAITING


@dataclass
class Message:
    """A question on its way to the control plane. It may come late, twice, after later ones, or never."""

    request: Request
    body: Raise | Consume | Leave
    approval: str = ""


@dataclass
class Proxy:
    """`version` is the configuration that it has applied."""

    name: str
    version: int = 1
    life: int = 0
    requests: list[Request] = field(default_factory=list)

    @property
    def epoch(self) -> str:
        return f"{self.name}-life-{self.life}"

    def alive(self, *stages: Stage) -> list[Request]:
        return [request for request in self.requests if request.stage in stages]

    def die(self) -> None:
        """The process is gone, and with it every connection; nobody says so to anybody."""
        for request in self.requests:
            if request.stage is not Stage.SENT:
                request.stage = Stage.GONE
        self.life += 1


def left(request: Request, reason: Reason | None = None) -> Message:
    """What a proxy says when a connection no longer waits."""
    request.stage = Stage.GONE
    return Message(request, Leave(request.id, reason.value if reason else ""), request.approval)
