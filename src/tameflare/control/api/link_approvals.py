"""Approvals on the link: requests that wait at a proxy. Link tokens open these routes and no other token does."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Annotated, Any, Final, TypeVar

import msgspec
from fastapi import APIRouter, Header, Request, Response
from starlette.requests import ClientDisconnect

from tameflare.control.api import link
from tameflare.control.services.faults import Refused, Unauthorized
from tameflare.control.store.engine import DatabaseUnavailable
from tameflare.control.store.proxies import Proxy
from tameflare.link.approvals import APPROVALS_PATH, Answer, Consume, Leave, Raise

router = APIRouter(tags=["link"], include_in_schema=False)

T = TypeVar("T")
MAX_BODY: Final = 8 << 20
Authorization = Annotated[str, Header()]
_raise: Final = msgspec.json.Decoder(Raise)
_consume: Final = msgspec.json.Decoder(Consume)
_leave: Final = msgspec.json.Decoder(Leave)


@router.post(APPROVALS_PATH)
async def raise_approval(request: Request, authorization: Authorization = "") -> Response:
    """A request waits for people."""
    holds = request.app.state.services.holds
    return await _answered(request, authorization, _raise, holds.raise_)


@router.post(APPROVALS_PATH + "/{approval}/consume")
async def consume_approval(request: Request, approval: str, authorization: Authorization = "") -> Response:
    """Let one request go."""
    holds = request.app.state.services.holds
    return await _answered(request, authorization, _consume, lambda proxy, asked: holds.consume(proxy, approval, asked))


@router.post(APPROVALS_PATH + "/{approval}/leave")
async def leave_approval(request: Request, approval: str, authorization: Authorization = "") -> Response:
    """A connection waits no more."""
    holds = request.app.state.services.holds
    return await _answered(request, authorization, _leave, lambda proxy, asked: holds.leave(proxy, approval, asked))


async def _answered(
    request: Request,
    authorization: str,
    decoder: msgspec.json.Decoder[T],
    ask: Callable[[Proxy, T], Awaitable[Answer]],
) -> Response:
    services: Any = request.app.state.services
    try:
        proxy = await link.proxy_of(services, link.link_token(authorization))
        body = await link.body_of(request, MAX_BODY)
        if body is None:
            return link.error(413, "too_large", f"more than {MAX_BODY} bytes", "send fewer parameters")
        return link.json_answer(200, await ask(proxy, decoder.decode(body)))
    except msgspec.MsgspecError:
        return link.error(422, "invalid", "this is no such question", "use the same version of proxy and server")
    except ClientDisconnect:
        return Response(status_code=400)  # nobody reads it
    except Refused as fault:
        return link.error(403, fault.code, fault.message, fault.help)
    except (Unauthorized, DatabaseUnavailable) as fault:
        return link.refusal(fault)
