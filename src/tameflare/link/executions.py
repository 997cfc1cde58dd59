"""What a proxy and the control plane say to each other about actions that the proxy is to carry out.

The feed tells that there is something to do (`messages.ExecuteJob`), and no more than that. A proxy fetches it (`Job`),
judges it on its own configuration, and claims it (`Claim`): one of any number of proxies is granted it, and only that
one sends it. Then it tells how it went (`Carried`). A claim may be sent again with the same request id, and so may what
is told: an answer may be lost on its way.
"""

from __future__ import annotations

from decimal import Decimal
from typing import Any, Final

import msgspec

from tameflare.core.approval import Requirement

EXECUTIONS_PATH: Final = "/api/link/executions"
LARGEST_ANSWER: Final = 256 << 10
"""Bytes of an upstream's answer that go back to the agent; the rest is cut off."""


class Job(msgspec.Struct, frozen=True):
    """`GET EXECUTIONS_PATH/{job}`: an action as it was asked for. `gateway` and `agent` are ids, `connector` a name.

    `configuration` is the version that it must be judged by, or a newer one; `agreed` what people have agreed to, as
    the approval `approval`; `seconds` how long the whole may take. `counted` are running totals that it counts for
    already, by their keys: what it adds, and what the total comes to with it.
    """

    job: str
    gateway: str
    agent: str
    connector: str
    type: str
    resource: dict[str, Any]
    parameters: dict[str, Any]
    configuration: int
    seconds: float
    approval: str = ""
    agreed: Requirement | None = None
    counted: dict[str, tuple[Decimal, Decimal]] = {}


class Claim(msgspec.Struct, frozen=True):
    """`POST EXECUTIONS_PATH/{job}/claim`: this proxy is about to send it, as the request `request_id`. `epoch` names
    the life of its process."""

    request_id: str
    epoch: str


class Claimed(msgspec.Struct, frozen=True):
    """To `Claim`. Not `granted`: it must not be sent, and `message` says why."""

    granted: bool
    message: str = ""


class Carried(msgspec.Struct, frozen=True):
    """`POST EXECUTIONS_PATH/{job}/outcome`: how it went. `reason`, a core.decision.Reason, where no whole answer came.

    `sent`: something may have reached the upstream. `status` is the upstream's, 0 where it did not answer; `truncated`:
    `body` is only the beginning of what it said.
    """

    request_id: str
    sent: bool
    reason: str = ""
    message: str = ""
    status: int = 0
    headers: tuple[tuple[str, str], ...] = ()
    body: bytes = b""
    truncated: bool = False
    latency_us: int = 0
