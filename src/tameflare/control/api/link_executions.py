"""Executions on the link: what proxies are to carry out. Link tokens open these routes and no other token does."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Annotated, Any, Final, TypeVar

import msgspec
from fastapi import APIRouter, Header, Request, Response
from starlette.requests import ClientDisconnect

from tameflare.control.api import link
from tameflare.control.services.faults import NotFound, Unauthorized
from tameflare.control.store.engine import DatabaseUnavailable
from tameflare.control.store.proxies import Proxy
from tameflare.link.executions import EXECUTIONS_PATH, Carried, Claim

router = APIRouter(tags=["link"], include_in_schema=False)

T = TypeVar("T")
MAX_BODY: Final = 1 << 20
Authorization = Annotated[str, Header()]
_claim: Final = msgspec.json.Decoder(Claim)
_carried: Final = msgspec.json.Decoder(Carried)


@router.get(EXECUTIONS_PATH + "/{execution}")
async def fetch_job(request: Request, execution: str, authorization: Authorization = "") -> Response:
    """What is to be done."""
    jobs = request.app.state.services.jobs

    async def work(proxy: Proxy) -> Any:
        return await jobs.fetch(proxy, execution)

    return await _answered(request, authorization, work)


@router.post(EXECUTIONS_PATH + "/{execution}/claim")
async def claim_job(request: Request, execution: str, authorization: Authorization = "") -> Response:
    """This proxy is about to do it."""
    jobs = request.app.state.services.jobs

    async def work(proxy: Proxy) -> Any:
        return await jobs.claim(proxy, execution, await _read(request, _claim))

    return await _answered(request, authorization, work)


@router.post(EXECUTIONS_PATH + "/{execution}/outcome")
async def tell_outcome(request: Request, execution: str, authorization: Authorization = "") -> Response:
    """How it went."""
    jobs = request.app.state.services.jobs

    async def work(proxy: Proxy) -> Any:
        await jobs.tell(proxy, execution, await _read(request, _carried))
        return {}

    return await _answered(request, authorization, work)


class _TooLarge(Exception):
    """More than a proxy ever says."""


async def _read(request: Request, decoder: msgspec.json.Decoder[T]) -> T:
    body = await link.body_of(request, MAX_BODY)
    if body is None:
        raise _TooLarge
    return decoder.decode(body)


async def _answered(request: Request, authorization: str, work: Callable[[Proxy], Awaitable[Any]]) -> Response:
    """The token is looked at before anything else."""
    services: Any = request.app.state.services
    try:
        proxy = await link.proxy_of(services, link.link_token(authorization))
        return link.json_answer(200, await work(proxy))
    except msgspec.MsgspecError:
        return link.error(422, "invalid", "this is no such message", "use the same version of proxy and server")
    except _TooLarge:
        return link.error(413, "too_large", f"more than {MAX_BODY} bytes", "send less of the answer")
    except ClientDisconnect:
        return Response(status_code=400)  # nobody reads it
    except NotFound as fault:
        return link.error(404, fault.code, fault.message, fault.help)
    except (Unauthorized, DatabaseUnavailable) as fault:
        return link.refusal(fault)
