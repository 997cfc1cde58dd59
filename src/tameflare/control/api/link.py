"""The link: what proxies ask of the control plane. Link tokens open these two routes and no other token does."""

from __future__ import annotations

from collections.abc import Callable, Coroutine
from typing import Annotated, Any, Final

import msgspec
import structlog
from fastapi import APIRouter, Header, Query, Request, Response
from fastapi.routing import APIRoute
from starlette.requests import ClientDisconnect

from tameflare.control.services.faults import Unauthorized
from tameflare.control.services.intake import MAX_BODY, Batch, SequenceGap
from tameflare.control.store.engine import DatabaseUnavailable
from tameflare.control.store.proxies import Proxy
from tameflare.core.errors import TameFlareError
from tameflare.link.messages import FEED_PATH, MAX_WAIT_SECONDS, RECORDS_PATH, Feed, Snapshot
from tameflare.link.tokens import TokenKind

_RETRY_SECONDS: Final = 1
_EPOCH: Final = r"^[A-Za-z0-9_-]{1,64}$"
_log = structlog.get_logger("tameflare.link")
Authorization = Annotated[str, Header()]


class LinkRoute(APIRoute):
    """Looks at the token before anything else of a request; `request.state.proxy` is who asks."""

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        handle = super().get_route_handler()

        async def known(request: Request) -> Response:
            try:
                token = link_token(request.headers.get("authorization", ""))
                request.state.proxy = await proxy_of(request.app.state.services, token)
            except (Unauthorized, DatabaseUnavailable) as fault:
                return refusal(fault)
            return await handle(request)

        return known


router = APIRouter(tags=["link"], include_in_schema=False, route_class=LinkRoute)


@router.get(FEED_PATH)
async def feed(
    request: Request,
    cursor: Annotated[int, Query(ge=0)] = 0,
    wait: Annotated[float, Query(ge=0, le=MAX_WAIT_SECONDS)] = 0,
    authorization: Authorization = "",
    x_tameflare_backlog: Annotated[int | None, Header(ge=0)] = None,
    x_tameflare_epoch: Annotated[str, Header(pattern=_EPOCH)] = "",
) -> Response:
    """What came after `cursor`; waits for it at most `wait` seconds.

    X-TameFlare-Epoch names the life of the proxy's process: the first word of a new one says that nothing of an earlier
    one waits any more.
    """
    services, proxy = request.app.state.services, request.state.proxy
    token = link_token(authorization)

    async def snapshot() -> Snapshot:
        """Asked again: the token may have been revoked during the wait."""
        made: Snapshot = await services.configuration.snapshot_for(await proxy_of(services, token), token)
        return made

    try:
        if x_tameflare_epoch:
            await services.holds.hear(proxy, x_tameflare_epoch)
            await services.jobs.hear(proxy, x_tameflare_epoch)
        answer = await services.feed.poll(proxy.id, cursor, wait, snapshot)
        await services.proxies.seen(proxy, version=_version(answer), backlog=x_tameflare_backlog)
    except (Unauthorized, DatabaseUnavailable) as fault:
        return refusal(fault)
    return json_answer(200, answer)


@router.post(RECORDS_PATH)
async def records(
    request: Request,
    x_tameflare_epoch: Annotated[str, Header(pattern=_EPOCH)],
    x_tameflare_sequence: Annotated[int, Header(ge=0)],
    x_tameflare_missing: Annotated[int, Header(ge=0)] = 0,
) -> Response:
    """Take in frames of a proxy's spool (link/spool.py), the first of which is number X-TameFlare-Sequence of
    X-TameFlare-Epoch. X-TameFlare-Missing: so many frames before it no longer exist."""
    services, proxy = request.app.state.services, request.state.proxy
    try:
        body = await body_of(request, MAX_BODY)
        if body is None:
            return error(413, "too_large", f"more than {MAX_BODY} bytes of records", "send fewer at a time")
        batch = Batch(x_tameflare_epoch, x_tameflare_sequence, body, x_tameflare_missing)
        served = await services.proxies.served(proxy)
        return json_answer(200, await services.intake.receive(proxy.id, batch, served))
    except ClientDisconnect:
        return Response(status_code=400)  # nobody reads it
    except (Unauthorized, DatabaseUnavailable, SequenceGap) as fault:
        return refusal(fault)


def link_token(authorization: str) -> str:
    scheme, _, token = authorization.partition(" ")
    return token.strip() if scheme.lower() == "bearer" else ""


async def proxy_of(services: Any, token: str) -> Proxy:
    proxy: Proxy | None = await services.proxies.authenticate(token) if token else None
    if proxy is None:
        kind = next((kind.value for kind in TokenKind if token.startswith(kind.value)), "unknown")
        _log.warning("link_token_refused", kind=kind)
        raise Unauthorized("Unauthorized", "use the link token of a proxy: `gwln_…`")
    return proxy


async def body_of(request: Request, most: int) -> bytes | None:
    """The body, or None as soon as it has more than `most` bytes."""
    announced = request.headers.get("content-length", "0")
    if announced.isdecimal() and int(announced) > most:
        return None
    parts: list[bytes] = []
    size = 0
    async for part in request.stream():
        size += len(part)
        if size > most:
            return None
        parts.append(part)
    return b"".join(parts)


def _version(answer: Feed) -> int | None:
    return next((entry.message.version for entry in answer.entries if isinstance(entry.message, Snapshot)), None)


def refusal(fault: TameFlareError) -> Response:
    if isinstance(fault, SequenceGap):
        place = fault.position
        return error(409, fault.code, fault.message, fault.help, epoch=place.epoch, sequence=place.sequence)
    if isinstance(fault, DatabaseUnavailable):
        answer = error(503, fault.code, fault.message, fault.help)
        answer.headers["retry-after"] = str(_RETRY_SECONDS)
        return answer
    answer = error(401, fault.code, fault.message, fault.help)
    answer.headers["www-authenticate"] = "Bearer"
    return answer


def error(status: int, code: str, message: str, help: str, **more: str | int) -> Response:  # noqa: A002
    titles = {
        401: "Unauthorized",
        403: "Forbidden",
        404: "Not Found",
        409: "Conflict",
        413: "Content Too Large",
        422: "Unprocessable",
        503: "Service Unavailable",
    }
    return json_answer(status, {"error": titles[status], "code": code, "message": message, "help": help, **more})


def json_answer(status: int, value: Any) -> Response:
    return Response(msgspec.json.encode(value), status, media_type="application/json")
