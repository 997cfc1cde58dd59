"""What a proxy and the control plane say to each other about approvals.

A proxy asks (`Raise`), is told by the feed that people have answered (`messages.ApprovalAnswered`), and takes the
approval for one request (`Consume`) before that request goes; `Leave` says that a connection no longer waits. Every
question may be sent again with the same request id and gets the same answer: an answer may be lost on its way.
"""

from __future__ import annotations

from typing import Any, Final

import msgspec

from tameflare.core.approval import Requirement
from tameflare.core.approval_states import Standing

__all__ = [
    "APPROVALS_PATH",
    "DECISION_API",
    "DECISION_API_TEST",
    "Answer",
    "Consume",
    "Held",
    "HeldAction",
    "Leave",
    "Raise",
    "Standing",
]

APPROVALS_PATH: Final = "/api/link/approvals"
DECISION_API: Final = "decision-api"
DECISION_API_TEST: Final = "decision-api-test"
"""The `scheme` of what was asked by the decision API, with a live key or a test key; there is no request then, and
whatever else would tell of one is empty."""


class HeldAction(msgspec.Struct, frozen=True):
    """One deed as people see it; values of sensitive parameters are masked before they get here."""

    type: str
    risk: str
    effect: str
    resource: dict[str, Any] = {}
    parameters: dict[str, Any] = {}


class Held(msgspec.Struct, frozen=True):
    """The request that waits. `digest` binds all of it, also what is masked here: see proxy/held.py.

    `token` is the id of the proxy token that the agent came with, `run` the id of its run; each may be empty. `unshown`
    tells what of the request people cannot be shown, and why; empty where they see all of it.
    """

    digest: str
    gateway: str
    agent: str
    token: str
    run: str
    connector: str
    actions: tuple[HeldAction, ...]
    method: str
    scheme: str
    host: str
    port: int
    path: str
    content_type: str
    body_sha256: str
    body_size: int
    unshown: str = ""


class Raise(msgspec.Struct, frozen=True):
    """`POST APPROVALS_PATH`: a request waits for people. `configuration` is the version that it was judged by,
    `wait` how many seconds the connection will wait, `epoch` the epoch of the proxy's spool."""

    request_id: str
    held: Held
    requirement: Requirement
    configuration: int
    wait: float
    epoch: str = ""


class Answer(msgspec.Struct, frozen=True):
    """To `Raise` and `Consume`. `reason` is a core.decision.Reason, where refused; `message` is for people;
    `configuration` is the version that must have been applied before the request goes; `expires_at` in Unix seconds."""

    approval: str
    standing: Standing
    configuration: int = 0
    reason: str = ""
    message: str = ""
    expires_at: int = 0


class Consume(msgspec.Struct, frozen=True):
    """`POST APPROVALS_PATH/{approval}/consume`: let this one request go. It was judged again on `configuration` and
    still needs `requirement`."""

    request_id: str
    digest: str
    requirement: Requirement
    configuration: int
    epoch: str = ""


class Leave(msgspec.Struct, frozen=True):
    """`POST APPROVALS_PATH/{approval}/leave`: this connection waits no more. `reason`, a core.decision.Reason, says
    why, if it was refused."""

    request_id: str
    reason: str = ""
    message: str = ""
