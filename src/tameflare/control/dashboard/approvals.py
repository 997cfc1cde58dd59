"""Approvals: what waits for people, their answers, what was answered before, and what is remembered."""

from __future__ import annotations

from typing import Annotated, Any, Final

from fastapi import Query, Response

from tameflare.control.api.auth import Wired
from tameflare.control.api.errors import status_of
from tameflare.control.dashboard.forms import Form, line, own_page
from tameflare.control.dashboard.pages import router as page_router
from tameflare.control.dashboard.pages import see, sentence
from tameflare.control.dashboard.rendering import page
from tameflare.control.dashboard.visitors import Posted, Somebody
from tameflare.control.services.approvals import Wanted
from tameflare.control.services.faults import AlreadyAnswered, Fault, Invalid, NotFound, RoleTooLow
from tameflare.control.services.sessions import Visitor
from tameflare.control.wiring import Services
from tameflare.core.errors import TameFlareError
from tameflare.core.roles import Role, at_least
from tameflare.core.voting import Remember

_ADDRESS: Final = "/dashboard/approvals"
_MOST_PENDING: Final = 100
_ANSWERED: Final = 20
_MAX_REASON: Final = 500
_VOTES: Final = {"approve": True, "deny": False}

router = page_router()
Id = Annotated[str, Query(max_length=64)]
Cursor = Annotated[str | None, Query(max_length=100)]


@router.get(_ADDRESS)
async def show_approvals(visitor: Somebody, services: Wired, said: Id = "", older: Cursor = None) -> Response:
    """What waits, and the newest that was answered; with `older` only what was answered before."""
    answered = await services.approvals.list(Wanted.ANSWERED, _ANSWERED, older)
    return await page(
        services,
        visitor,
        "approvals.html",
        place="approvals",
        **await waiting(services, visitor, said),
        answered=answered.approvals,
        older=answered.next,
        newest=older is None,
        remembered=await services.approvals.remembered(),
        may_forget=at_least(visitor.user.role, Role.MEMBER),
    )


@router.get(f"{_ADDRESS}/{{approval}}")
async def show_approval(approval: str, visitor: Somebody, services: Wired) -> Response:
    """One approval. Raises NotFound."""
    return await _one(services, visitor, await services.approvals.get(approval))


@router.post(f"{_ADDRESS}/{{approval}}/votes")
async def vote(approval: str, form: Posted, visitor: Somebody, services: Wired) -> Response:
    """Answer, and go back to the page of the form; the second of two answers is told how it stands."""
    try:
        approve, reason, remember = _answer(form)
        await services.approvals.vote(visitor, approval, approve, reason, remember)
    except AlreadyAnswered as fault:
        return await _one(services, visitor, fault.approval, fault)
    except NotFound:
        raise
    except TameFlareError as fault:
        return await _one(services, visitor, await services.approvals.get(approval), fault)
    return see(f"{own_page(form.get('back', '')).partition('?')[0]}?said={approval}")


@router.post(f"{_ADDRESS}/remembered/{{memory}}/forget")
async def forget(memory: str, _form: Posted, visitor: Somebody, services: Wired) -> Response:
    """Have people asked again. Raises RoleTooLow, NotFound."""
    if not at_least(visitor.user.role, Role.MEMBER):
        raise RoleTooLow(Role.MEMBER, visitor.user.role)
    await services.approvals.forget(visitor, memory)
    return see(_ADDRESS)


async def waiting(services: Services, visitor: Visitor, said: str) -> dict[str, Any]:
    """What a page needs that shows the approvals that wait. `said` is the one that this person has just answered."""
    found = (await services.approvals.list(Wanted.PENDING, _MOST_PENDING)).approvals
    return {
        "pending": found,
        "hindrances": await services.approvals.hindrances(visitor, [ask["id"] for ask in found]),
        "said": await _known(services, said) if said else None,
    }


async def _known(services: Services, approval: str) -> dict[str, Any] | None:
    try:
        return await services.approvals.get(approval)
    except NotFound:
        return None


def _answer(form: Form) -> tuple[bool, str, Remember]:
    """Raises Invalid."""
    try:
        approve, remember = _VOTES[form.get("vote", "")], Remember(form.get("remember", "none"))
    except (KeyError, ValueError):
        raise Invalid([Fault("vote", "this is no answer", "choose Approve or Deny")]) from None
    return approve, line(form, "reason", _MAX_REASON), remember


async def _one(
    services: Services, visitor: Visitor, ask: dict[str, Any], fault: TameFlareError | None = None
) -> Response:
    return await page(
        services,
        visitor,
        "approval.html",
        status_of(fault) if fault else 200,
        place="approvals",
        ask=ask,
        hindrances=await services.approvals.hindrances(visitor, [ask["id"]]),
        late=isinstance(fault, AlreadyAnswered),
        mine=any(vote["by_id"] == visitor.user.id for vote in ask["votes"]),
        fault=fault,
        said=sentence(fault) if fault else "",
    )
