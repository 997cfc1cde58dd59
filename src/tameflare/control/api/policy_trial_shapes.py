"""What the routes that try policies read and answer."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import Field

from tameflare.control.api.bodies import Answer, Body
from tameflare.control.api.policy_shapes import FileBody
from tameflare.control.services.replay_records import MOST, USUAL
from tameflare.core.config import DEFAULT_AGENT


class TrialBody(Body):
    """An action of an agent, and the policies that it is judged by: those that are stored, or `files` beside them or
    `alone`. `type` and what follows are as an agent sends them."""

    gateway: Annotated[str, Field(max_length=64)]
    agent: Annotated[str, Field(max_length=64)] = DEFAULT_AGENT
    type: Annotated[str, Field(max_length=300, description="As `github.pr.merge`.")]
    resource: dict[str, Any] = Field({})
    parameters: dict[str, Any] = Field({})
    connector: Annotated[str, Field(max_length=64, description="Needed only where several fit.")] = ""
    risk_hints: dict[str, Any] = Field({})
    time: float | None = Field(None, ge=0, le=253_402_300_799, description="Unix seconds; left out: now.")
    files: Annotated[list[FileBody], Field(max_length=1000)] = Field([])
    alone: bool = Field(False, description="Leave out the stored policies.")

    @property
    def question(self) -> bytes:
        """What an agent would send."""
        return self.model_dump_json(include={"type", "resource", "parameters", "connector", "risk_hints"}).encode()


class ReplayBody(Body):
    """Policies, and the records that they are tried on: the newest `last`, of those `since` a moment."""

    files: Annotated[list[FileBody], Field(max_length=1000)] = Field([])
    alone: bool = Field(False, description="Leave out the stored policies.")
    last: Annotated[int, Field(ge=1, le=MOST)] = USUAL
    since: float | None = Field(None, ge=0, description="Unix seconds.")
    gateway: Annotated[str, Field(max_length=64, description="Only this gateway's.")] = ""


class Move(Answer):
    """How many verdicts go this way; `becomes` is `cannot_tell` where the record lacks what a rule needs."""

    was: str
    becomes: str
    count: int


class Need(Answer):
    """What records lack: a field that a policy's rule reads. Of a parameter nothing is recorded unless the connector's
    `record` list names it."""

    rule: str
    field: str
    count: int


class LeftOut(Answer):
    reason: str
    count: int


class RecordedOut(Answer):
    """A record. `road` is `proxy` or `api`, `id` that of the request or of the action; `time` in Unix seconds."""

    road: str
    id: str
    time: float
    gateway: str
    agent: str
    connector: str
    action: str
    what: str


class DifferenceOut(Answer):
    """`was` is what rules and policies said then, whatever the gateway's level; `because` determines what would be."""

    case: RecordedOut
    was: str
    becomes: str
    reason: str
    message: str
    because: list[str]


class ReplayOut(Answer):
    """`differences` are the newest ones. `left_out` are records that rules and policies had not decided. `more`: there
    are older records, which were not looked at."""

    records: int
    more: bool
    unchanged: int
    changed: int
    cannot_tell: int
    moves: list[Move]
    needs: list[Need]
    left_out: list[LeftOut]
    differences: list[DifferenceOut]
