"""Running totals on the link: proxies reserve for requests before they judge them. Link tokens open this route."""

from __future__ import annotations

from typing import Annotated, Any, Final

import msgspec
from fastapi import APIRouter, Header, Request, Response
from starlette.requests import ClientDisconnect

from tameflare.control.api import link
from tameflare.control.services.faults import Unauthorized
from tameflare.control.store.engine import DatabaseUnavailable
from tameflare.link.totals import MOST, TOTALS_PATH, Ask

router = APIRouter(tags=["link"], include_in_schema=False)

MAX_BODY: Final = 1 << 20
_ask: Final = msgspec.json.Decoder(Ask)


@router.post(TOTALS_PATH)
async def ask_totals(request: Request, authorization: Annotated[str, Header()] = "") -> Response:
    """Take back what did not go, reserve for what is to be judged, and tell the sums."""
    services: Any = request.app.state.services
    try:
        proxy = await link.proxy_of(services, link.link_token(authorization))
        body = await link.body_of(request, MAX_BODY)
        if body is None:
            return link.error(413, "too_large", f"more than {MAX_BODY} bytes", "ask about fewer requests at a time")
        asked = _ask.decode(body)
        if max(len(asked.reserve), len(asked.release)) > MOST:
            return link.error(422, "invalid", f"more than {MOST} requests", "ask about fewer requests at a time")
        return link.json_answer(200, await services.totals.answer(proxy, asked))
    except msgspec.MsgspecError:
        return link.error(422, "invalid", "this is no such question", "use the same version of proxy and server")
    except ClientDisconnect:
        return Response(status_code=400)  # nobody reads it
    except (Unauthorized, DatabaseUnavailable) as fault:
        return link.refusal(fault)
