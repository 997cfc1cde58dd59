"""Approvals: what waits for people, their votes, and what is remembered of them."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from fastapi import Query
from pydantic import Field

from tameflare.control.api.auth import Approver, Reader, Wired
from tameflare.control.api.bodies import Answer, Body
from tameflare.control.api.errors import Error
from tameflare.control.api.strict import router_for
from tameflare.control.services.approvals import MAX_PAGE, Wanted
from tameflare.core.approval_states import Status
from tameflare.core.roles import Role
from tameflare.core.voting import Remember
from tameflare.link.messages import MAX_WAIT_SECONDS

router = router_for("approvals", "/api/dashboard/approvals")
Reason = Annotated[str, Field(max_length=500, pattern=r"^[^\x00-\x08\x0b-\x1f\x7f]*$")]
Revision = Annotated[int, Query(ge=0, le=(1 << 63) - 1)]


class HeldActionOut(Answer):
    """Values of sensitive parameters are masked."""

    type: str
    risk: str
    effect: str
    resource: dict[str, Any]
    parameters: dict[str, Any]


class TermsOut(Answer):
    """Each group reaches the quorum of distinct people; no group: everybody with the role may answer."""

    role: Role
    groups: list[str]
    quorum: int
    distinct: bool


class RequirementOut(TermsOut):
    """`also` are the terms of further rules and policies; each is to be satisfied by itself."""

    also: list[TermsOut]


class NeedOut(Answer):
    """A group that must still agree, and how many of its people; `group` null: anybody with the role."""

    group: str | None
    role: Role
    quorum: int
    missing: int


class VoteOut(Answer):
    by: str
    by_id: str
    vote: Literal["approve", "deny"]
    reason: str
    remember: Remember
    at: int


class OutcomeOut(Answer):
    """Of the request that was let go, as the proxy recorded it."""

    status: int
    latency_ms: float


class ApprovalOut(Answer):
    """Times in Unix seconds. `waiting` is how many connections wait for the answer; `still_needed` how many votes are
    missing at least (one may count for several groups) and `needs` whose; `rememberable` for how long an answer may be
    remembered; `request_ids` are all requests that were held for it, the first one first. `unshown` says what of the
    request `actions` and `path` do not show, and why; empty: nothing is left out.
    """

    id: str
    status: Status
    standing_note: str
    gateway: str
    agent: str
    run: str
    connector: str
    sentence: str
    actions: list[HeldActionOut]
    method: str
    host: str
    path: str
    content_type: str
    body_size: int
    body_sha256: str
    unshown: str
    risk: str
    effect: str
    waiting: int
    requirement: RequirementOut
    needs: list[NeedOut]
    votes: list[VoteOut]
    still_needed: int
    rememberable: list[Remember]
    raised_at: int
    expires_at: int
    answered_at: int | None
    outcome: OutcomeOut | None
    request_ids: list[str]
    revision: int


class ApprovalPage(Answer):
    """`next` is the cursor of the next page, null on the last. `revision` is where `changes` goes on from here."""

    approvals: list[ApprovalOut]
    next: str | None
    revision: int


class ApprovalChanges(Answer):
    revision: int
    approvals: list[ApprovalOut]


class RememberedActionOut(Answer):
    type: str
    resource: dict[str, Any]


class RememberedOut(Answer):
    """An answer that stands for later requests; `run` empty: of every run."""

    id: str
    approval: str
    gateway: str
    agent: str
    connector: str
    actions: list[RememberedActionOut]
    run: str
    by: list[str]
    created_at: int
    expires_at: int


class RememberedList(Answer):
    remembered: list[RememberedOut]


class VoteBody(Body):
    vote: Literal["approve", "deny"]
    reason: Reason = Field("", description="The agent and the records are told.")
    remember: Annotated[Remember, Field(strict=False)] = Field(
        Remember.NONE,
        description="Have the answer stand for this run, an hour at most, or for an hour; it counts if all choose it.",
    )


class Answered(Error):
    """The vote came too late; `approval` is how it stands."""

    approval: ApprovalOut


@router.get("")
async def list_approvals(
    _caller: Reader,
    services: Wired,
    status: Annotated[Wanted, Query()] = Wanted.PENDING,
    limit: Annotated[int, Query(ge=1, le=MAX_PAGE)] = 50,
    cursor: Annotated[str | None, Query(max_length=100)] = None,
) -> ApprovalPage:
    """Newest first."""
    page = await services.approvals.list(status, limit, cursor)
    return ApprovalPage.model_validate(page)


@router.get("/changes")
async def read_changes(
    _caller: Reader,
    services: Wired,
    after: Revision = 0,
    wait: Annotated[float, Query(ge=0, le=MAX_WAIT_SECONDS)] = 0,
) -> ApprovalChanges:
    """Approvals that changed after a revision, each as it is now; waits up to `wait` seconds for the first."""
    revision, changed = await services.approvals.changes(after, wait)
    return ApprovalChanges(revision=revision, approvals=[ApprovalOut.model_validate(one) for one in changed])


@router.get("/remembered")
async def list_remembered(_caller: Reader, services: Wired) -> RememberedList:
    """Answers that stand for later requests."""
    found = await services.approvals.remembered()
    return RememberedList(remembered=[RememberedOut.model_validate(one) for one in found])


@router.delete("/remembered/{remembered}", status_code=204)
async def forget_remembered(remembered: str, caller: Approver, services: Wired) -> None:
    """Have people asked again from now on."""
    await services.approvals.forget(caller, remembered)


@router.get("/{approval}")
async def read_approval(approval: str, _caller: Reader, services: Wired) -> ApprovalOut:
    return ApprovalOut.model_validate(await services.approvals.get(approval))


@router.post("/{approval}/votes", responses={409: {"model": Answered, "description": "It is answered already."}})
async def vote(approval: str, body: VoteBody, caller: Approver, services: Wired) -> ApprovalOut:
    """Answer. One no ends it; it is approved once enough people have said yes."""
    found = await services.approvals.vote(caller, approval, body.vote == "approve", body.reason, body.remember)
    return ApprovalOut.model_validate(found)
