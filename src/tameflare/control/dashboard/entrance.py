"""What log-in and registration have in common: forms for somebody who is not logged in, and letting him in."""

from __future__ import annotations

import re
from base64 import urlsafe_b64encode
from typing import Annotated, Any, Final

from fastapi import Depends, Request, Response

from tameflare.control.api.auth import Wired
from tameflare.control.dashboard import cookies
from tameflare.control.dashboard.forms import Form, read_form
from tameflare.control.dashboard.pages import see
from tameflare.control.dashboard.rendering import bare_page
from tameflare.control.store.users import User
from tameflare.control.wiring import Services

_SECRET_BYTES: Final = 24
_SECRET: Final = re.compile(r"[A-Za-z0-9_-]{32}")


async def read_strangers_form(request: Request, services: Wired) -> Form:
    """The fields of a form that this browser was shown."""
    settings = services.context.settings
    secret = cookies.form_secret(request, settings)
    expected = services.sessions.form_token(secret) if _SECRET.fullmatch(secret) else ""
    return await read_form(request, settings, expected)


PostedByStranger = Annotated[Form, Depends(read_strangers_form)]


def strangers_page(request: Request, services: Services, template: str, status: int = 200, **values: Any) -> Response:
    """A page with a form that is tied to this browser by a cookie."""
    settings = services.context.settings
    secret = cookies.form_secret(request, settings)
    if not _SECRET.fullmatch(secret):
        secret = urlsafe_b64encode(services.context.entropy(_SECRET_BYTES)).decode()
    response = bare_page(template, status, csrf=services.sessions.form_token(secret), **values)
    cookies.put_form_secret(request, response, settings, secret)
    return response


async def let_in(request: Request, services: Services, user: User, address: str) -> Response:
    """Begin a session of its own, ending the one that this browser had, and go on to `address`."""
    settings = services.context.settings
    before = await services.sessions.find(cookies.session_token(request, settings))
    if before is not None:
        await services.sessions.end(before)
    response = see(address)
    cookies.put_session(request, response, settings, await services.sessions.begin(user))
    return response
