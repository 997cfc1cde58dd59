"""Who looks at a page: a person with a session, and never a token of any kind."""

from __future__ import annotations

from typing import Annotated, Final

import structlog
from fastapi import Depends, Request

from tameflare.control.api.auth import Wired, address_of
from tameflare.control.dashboard.cookies import session_token
from tameflare.control.dashboard.forms import Form, read_form
from tameflare.control.services.faults import Unauthorized
from tameflare.control.services.sessions import Visitor
from tameflare.link.tokens import TokenKind

LIVE_HEADER: Final = "x-tameflare-live"
"""Sent by the page itself when it looks for news: that is no sign of a person."""

_log = structlog.get_logger("tameflare.dashboard")


class LogInFirst(Exception):
    """Nobody is logged in; leads to the log-in page."""


async def find_visitor(request: Request, services: Wired) -> Visitor | None:
    """Who is logged in, if anybody. Raises Unauthorized where one of our tokens is sent: it opens the API only."""
    _refuse_tokens(request)
    secret = session_token(request, services.context.settings)
    return await services.sessions.find(secret, active=LIVE_HEADER not in request.headers) if secret else None


Anybody = Annotated[Visitor | None, Depends(find_visitor)]


async def require_visitor(visitor: Anybody) -> Visitor:
    if visitor is None:
        raise LogInFirst
    return visitor


Somebody = Annotated[Visitor, Depends(require_visitor)]


async def read_own_form(request: Request, visitor: Somebody, services: Wired) -> Form:
    """The fields of a form that was shown to this person."""
    return await read_form(request, services.context.settings, visitor.csrf)


Posted = Annotated[Form, Depends(read_own_form)]


def _refuse_tokens(request: Request) -> None:
    given = request.headers.get("authorization", "").rpartition(" ")[2]
    kind = next((kind.value for kind in TokenKind if given.startswith(kind.value)), None)
    if kind is not None:
        _log.warning("token_misplaced", kind=kind, path=request.url.path, address=address_of(request))
        raise Unauthorized("a token does not open the dashboard", "log in with e-mail and password")
