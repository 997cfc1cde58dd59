"""The decision API: agents ask before they act. Only keys of agents open it, and each sees its own actions alone."""

from __future__ import annotations

from typing import Annotated, Any, Final

from fastapi import APIRouter, Query, Request, Response

from tameflare.control.api import action_shapes as shapes
from tameflare.control.api.action_shapes import ActionBody, ActionOut, ActionPage, DecisionOut, ExplanationOut
from tameflare.control.api.agent_auth import ByAgent, find_agent
from tameflare.control.api.auth import Wired, services_of
from tameflare.control.api.direct import DirectRoute, answering, body_of
from tameflare.control.api.errors import RESPONSES, Error
from tameflare.control.api.strict import router_for
from tameflare.control.services import action_questions
from tameflare.control.services.actions import MAX_PAGE, Asked
from tameflare.control.services.faults import Fault, Invalid
from tameflare.core.action_states import ActionStatus
from tameflare.link.messages import MAX_WAIT_SECONDS

_BASE: Final = "/api/v1/actions"
_IDEMPOTENCY: Final = {
    "in": "header",
    "name": "Idempotency-Key",
    "required": False,
    "schema": {"type": "string", "maxLength": 255},
    "description": "The same key with the same body gets the same answer for a day; with another body 409.",
}
_RESPONSES: Final[dict[int | str, dict[str, Any]]] = {
    409: {"model": Error, "description": "The idempotency key was used for another body."}
}

router = router_for("decisions", _BASE)
direct = APIRouter(prefix=_BASE, tags=["decisions"], route_class=DirectRoute, responses=RESPONSES)
"""To be found before any other route: it is asked more often than all of them."""


@direct.post(
    "",
    response_model=DecisionOut,
    response_model_exclude_none=True,
    responses=_RESPONSES,
    openapi_extra={**shapes.content(ActionBody), "parameters": [_IDEMPOTENCY], "security": [{"agent_key": []}]},
)
async def ask(request: Request) -> Response:
    """Have an action decided. It stands on record, on disk, before the answer; every verdict is answered with 200."""
    caller = await find_agent(request)
    services = await services_of(request)
    key = action_questions.check_key(_one(request, "idempotency-key"))
    question = action_questions.read(await body_of(request), services.webhook_hosts)
    asked = await services.actions.ask(caller.place, caller.key, question, key)
    return shapes.answered(shapes.decision(asked), **_headers(asked))


SHORTCUTS: Final = {("POST", _BASE): answering(ask)}


@router.post("/dry-run", response_model=ExplanationOut, openapi_extra=shapes.content(ActionBody))
async def dry_run(request: Request, caller: ByAgent, services: Wired) -> Response:
    """What would be decided now, and why, rule by rule. Records nothing and counts towards nothing."""
    question = action_questions.read(await request.body(), services.webhook_hosts)
    return shapes.answered(await services.actions.explain(caller.place, question))


@router.get("", response_model=ActionPage)
async def list_actions(
    caller: ByAgent,
    services: Wired,
    limit: Annotated[int, Query(ge=1, le=MAX_PAGE)] = 50,
    cursor: Annotated[str | None, Query(max_length=100)] = None,
    status: Annotated[ActionStatus | None, Query()] = None,
) -> Response:
    """The agent's own actions, newest first."""
    page = await services.actions.page(caller.agent.id, limit, cursor, status)
    items = [shapes.action(Asked(action)) for action in page.actions]
    return shapes.answered({"items": items, "next_cursor": page.next})


@router.get("/{action}", response_model=ActionOut, response_model_exclude_none=True)
async def read_action(
    action: str,
    caller: ByAgent,
    services: Wired,
    wait: Annotated[float, Query(ge=0, le=MAX_WAIT_SECONDS)] = 0,
) -> Response:
    """One action of the agent's own. While it waits for people: once they have answered, or after `wait` seconds."""
    return shapes.answered(shapes.action(await services.actions.get(caller.agent.id, caller.key.kind, action, wait)))


def _one(request: Request, name: str) -> str | None:
    """The value of a header that may be sent once. Raises Invalid."""
    values = request.headers.getlist(name)
    if len(values) > 1:
        raise Invalid([Fault("Idempotency-Key", "this header was sent more than once", "send it once")])
    return values[0] if values else None


def _headers(asked: Asked) -> dict[str, str]:
    headers = {"Idempotent-Replayed": "true"} if asked.replayed else {}
    if asked.retry_after:
        headers["Retry-After"] = str(asked.retry_after)
    return headers
