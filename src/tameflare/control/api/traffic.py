"""The record of requests: pages of it, and its end as it grows."""

from __future__ import annotations

from typing import Annotated, Any, Final

from fastapi import Depends, Query

from tameflare.control.api.agent_auth import ByAgent
from tameflare.control.api.auth import Reader, Wired
from tameflare.control.api.bodies import Answer, Items
from tameflare.control.api.strict import router_for
from tameflare.control.services.traffic import TrafficLog, Wanted
from tameflare.link.messages import MAX_WAIT_SECONDS

router = router_for("traffic", "/api/dashboard/traffic")
own = router_for("traffic", "/api/v1/traffic")

MAX_PAGE: Final = 1000
Limit = Annotated[int, Query(ge=1, le=MAX_PAGE)]
Word = Annotated[str, Query(max_length=200)]
Place = Annotated[int, Query(ge=0, le=(1 << 63) - 1)]


class ActionOut(Answer):
    """What a request does. `parameters`: only those that the connector records."""

    type: str
    risk: str
    effect: str
    parameters: dict[str, str]


class TrafficRow(Answer):
    """One request.

    `id` is its place in the record and rises once, when its outcome comes; `request_id` stays. `time` in Unix seconds.
    `decision` is what was done, `would_be` what `full_enforce` would have done. `reason` is why it came out so: the
    decision's own reason (`decision_reason`), or the fault that followed it. `complete` is false while no outcome is
    known. Latency and overhead (TameFlare's own share) in milliseconds.
    """

    id: int
    request_id: str
    time: float
    gateway: str
    gateway_id: str
    agent: str
    agent_id: str
    proxy: str
    run: str
    connector: str
    action: str
    actions: list[ActionOut]
    method: str
    scheme: str
    host: str
    port: int
    path: str
    content_type: str
    user_agent: str
    decision: str
    reason: str
    decision_reason: str
    message: str
    matched: list[str]
    would_be: str
    enforced: bool
    level: str
    flags: list[str]
    configuration: int
    status: int
    latency_ms: float
    overhead_ms: float
    bytes_in: int
    bytes_out: int
    complete: bool


def _wanted(
    agent: Word = "",
    gateway: Word = "",
    decision: Word = "",
    action: Annotated[str, Query(max_length=200, description="A type of action; `*` stands for anything.")] = "",
    request_id: Word = "",
    since: Annotated[float | None, Query(description="Unix seconds.")] = None,
) -> Wanted:
    return Wanted(agent, gateway, decision, action, request_id, since)


def _log(services: Wired) -> TrafficLog:
    context = services.context
    return TrafficLog(services.database, services.traffic, services.intake.arrivals, context.steady)


Filters = Annotated[Wanted, Depends(_wanted)]
Log = Annotated[TrafficLog, Depends(_log)]


@router.get("")
async def list_traffic(
    _caller: Reader, log: Log, wanted: Filters, limit: Limit = 100, cursor: Place | None = None
) -> Items[TrafficRow]:
    """Requests, newest first."""
    return _page(await log.page(wanted, cursor, limit), limit)


@router.get("/tail")
async def tail_traffic(
    _caller: Reader,
    log: Log,
    wanted: Filters,
    after: Place = 0,
    wait: Annotated[float, Query(ge=0, le=MAX_WAIT_SECONDS)] = 0,
    limit: Limit = 100,
) -> Items[TrafficRow]:
    """Requests that ended after row `after`, oldest first; waits up to `wait` seconds for the first. Each request comes
    once, when its outcome is known."""
    rows = await log.tail(wanted, after, limit, wait)
    items = [TrafficRow.model_validate(row) for row in rows]
    return Items(items=items, next_cursor=str(rows[-1]["id"]) if rows else None)


@own.get("")
async def list_own_traffic(
    caller: ByAgent, log: Log, limit: Limit = 100, cursor: Place | None = None
) -> Items[TrafficRow]:
    """The agent's own requests through proxies, newest first."""
    return _page(await log.page_of(caller.agent.id, cursor, limit), limit)


def _page(rows: list[dict[str, Any]], limit: int) -> Items[TrafficRow]:
    items = [TrafficRow.model_validate(row) for row in rows]
    return Items(items=items, next_cursor=str(rows[-1]["id"]) if len(rows) == limit else None)
