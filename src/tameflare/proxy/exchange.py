"""One request's exchange: what is known of it so far, and what may come of a step. The steps are in steps.py."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from enum import Enum

from tameflare.connectors.request import HttpRequest
from tameflare.core.action import Action
from tameflare.core.decision import Decision
from tameflare.core.policy.model import Total
from tameflare.core.ratelimit import RateWindow
from tameflare.proxy.identity import Identity
from tameflare.proxy.origin import Origin
from tameflare.proxy.refusal import Refusal
from tameflare.proxy.routing import Binding
from tameflare.wire.heads import RequestHead


class Next(Enum):
    """What `advance` asks for when nothing was refused."""

    FORWARD = "forward"
    BODY = "body"
    BEGINNING = "beginning"
    HELD_BODY = "held_body"
    RESERVE = "reserve"
    HOLD = "hold"


@dataclass(slots=True, eq=False)
class Exchange:
    """What is known of one request so far. `time` is when it came in Unix seconds; other times are of the monotonic
    clock, in seconds.

    `waited` is time that was not ours: reading a body, dialling, people. `received` is the body as it came, once it was
    read whole; `body` what goes on in its place; `beginning` what was read of it to decide, where the rest streams.
    `misplaced` is why it leads nowhere, if so. `held` says that it was judged, and counted, before; `approval` is the
    one that it waited for. `once`: it goes at most once, so never over a connection that may turn out dead.
    `adds` is what it would count for in running totals, `sums` what these come to with it; `reserved` says that the
    control plane was asked to count it.
    """

    request_id: str
    head: RequestHead
    origin: Origin
    target: str
    identity: Identity | None
    time: float
    arrived: float
    bytes_in: int
    waited: float = 0.0
    step: int = 0
    path: str = ""
    query: str = ""
    outgoing: bytes = b""
    received: bytes | None = None
    body: bytes | None = None
    beginning: bytes | None = None
    held: bool = False
    approval: str = ""
    binding: Binding | None = None
    request: HttpRequest | None = None
    actions: Sequence[Action] | None = None
    decision: Decision | None = None
    misplaced: Refusal | None = None
    window: RateWindow | None = None
    flags: tuple[str, ...] = ()
    adds: Mapping[Total, Decimal] | None = None
    sums: Mapping[Total, Decimal] | None = None
    reserved: bool = False
    once: bool = False

    @property
    def has_body(self) -> bool:
        return self.head.chunked or bool(self.head.content_length)


Outcome = Next | Refusal
