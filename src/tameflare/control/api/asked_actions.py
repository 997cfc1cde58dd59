"""What agents asked the decision API, as people see it."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import Query

from tameflare.control.api.auth import Reader, Wired
from tameflare.control.api.bodies import Answer, Items
from tameflare.control.api.strict import router_for
from tameflare.control.services.actions import MAX_PAGE
from tameflare.core.action_states import ActionStatus
from tameflare.core.agent_keys import KeyKind
from tameflare.core.decision import Verdict

router = router_for("decisions", "/api/dashboard/actions")
Name = Annotated[str | None, Query(max_length=64)]


class AskedActionOut(Answer):
    """Values of sensitive parameters are masked, long ones cut. Times in Unix seconds."""

    id: str
    gateway: str
    agent: str
    kind: KeyKind
    connector: str
    type: str
    resource: dict[str, Any]
    parameters: dict[str, Any]
    risk: str
    effect: str
    status: ActionStatus
    decision: Verdict
    would_be: Verdict
    enforced: bool
    reason: str
    message: str
    risk_score: int
    matched: list[str]
    spec_hash: str
    configuration: int
    approval_id: str | None
    outcome: dict[str, Any] | None
    created_at: int
    changed_at: int
    expires_at: int | None


@router.get("")
async def list_asked_actions(
    _caller: Reader,
    services: Wired,
    gateway: Name = None,
    agent: Name = None,
    status: Annotated[ActionStatus | None, Query()] = None,
    limit: Annotated[int, Query(ge=1, le=MAX_PAGE)] = 50,
    cursor: Annotated[str | None, Query(max_length=100)] = None,
) -> Items[AskedActionOut]:
    """Of all agents, newest first; by the names of gateway and agent, and by status."""
    page = await services.actions.asked(limit, cursor, gateway, agent, status)
    return Items(items=[AskedActionOut.model_validate(action) for action in page.actions], next_cursor=page.next)
