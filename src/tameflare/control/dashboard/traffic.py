"""The record of requests: the newest, live, with filters; and one request's whole story."""

from __future__ import annotations

from typing import Annotated, Any, Final
from urllib.parse import urlencode

from fastapi import Query, Response

from tameflare.control.api.auth import Wired
from tameflare.control.dashboard.pages import router as page_router
from tameflare.control.dashboard.rendering import page
from tameflare.control.dashboard.visitors import Somebody
from tameflare.control.services.faults import NotFound
from tameflare.control.services.traffic import TrafficLog, Wanted
from tameflare.control.wiring import Services

PAGE: Final = 50
DECISIONS: Final = {"allow": "allowed", "deny": "denied", "requires_approval": "held"}

router = page_router()
Word = Annotated[str, Query(max_length=200)]
Place = Annotated[int | None, Query(ge=0, le=(1 << 63) - 1)]


@router.get("/dashboard/traffic")
async def show_traffic(
    visitor: Somebody,
    services: Wired,
    agent: Word = "",
    gateway: Word = "",
    decision: Word = "",
    action: Word = "",
    before: Place = None,
) -> Response:
    """Requests, newest first."""
    filters = {"agent": agent, "gateway": gateway, "decision": decision, "action": action}
    wanted = Wanted(agent.strip(), gateway.strip(), decision.strip(), action.strip())
    rows = await newest(services, wanted, before)
    older = {**{name: text for name, text in filters.items() if text}, "before": rows[-1]["id"]} if rows else {}
    return await page(
        services,
        visitor,
        "traffic.html",
        place="traffic",
        rows=rows,
        filters=filters,
        decisions=DECISIONS,
        newest=before is None,
        older=urlencode(older) if len(rows) == PAGE else "",
    )


@router.get("/dashboard/traffic/{request_id}")
async def show_request(request_id: str, visitor: Somebody, services: Wired) -> Response:
    """Everything that is recorded of one request. Raises NotFound."""
    rows = await newest(services, Wanted(request_id=request_id), None, 1)
    if not rows:
        raise NotFound("request", request_id)
    return await page(services, visitor, "request.html", place="traffic", row=rows[0])


async def newest(
    services: Services, wanted: Wanted, before: int | None = None, limit: int = PAGE
) -> list[dict[str, Any]]:
    """At most `limit` requests that stand before row `before`, newest first."""
    context = services.context
    log = TrafficLog(services.database, services.traffic, services.intake.arrivals, context.steady)
    return await log.page(wanted, before, limit)
