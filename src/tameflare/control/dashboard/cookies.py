"""The two cookies: one for who is logged in, one that ties the log-in form to the browser that asked for it."""

from __future__ import annotations

from typing import Final

from fastapi import Request, Response

from tameflare.control.dashboard.origins import is_secure
from tameflare.control.services.sessions import LIFE_SECONDS
from tameflare.settings import Settings

_SESSION: Final = "tameflare_session"
_FORM: Final = "tameflare_form"
_FORM_SECONDS: Final = 3600


def session_token(request: Request, settings: Settings) -> str:
    """What the session's cookie holds; empty without one."""
    return request.cookies.get(_name(_SESSION, is_secure(request, settings)), "")


def put_session(request: Request, response: Response, settings: Settings, token: str) -> None:
    """Lax, not Strict: whoever follows a link to an approval from a chat is logged in. Forms have more to show."""
    secure = is_secure(request, settings)
    response.set_cookie(
        _name(_SESSION, secure), token, max_age=LIFE_SECONDS, path="/", secure=secure, httponly=True, samesite="lax"
    )


def drop_session(request: Request, response: Response, settings: Settings) -> None:
    secure = is_secure(request, settings)
    response.delete_cookie(_name(_SESSION, secure), path="/", secure=secure, httponly=True, samesite="lax")


def form_secret(request: Request, settings: Settings) -> str:
    """What ties a form to a browser in which nobody is logged in; empty without the cookie."""
    return request.cookies.get(_name(_FORM, is_secure(request, settings)), "")


def put_form_secret(request: Request, response: Response, settings: Settings, secret: str) -> None:
    secure = is_secure(request, settings)
    response.set_cookie(
        _name(_FORM, secure), secret, max_age=_FORM_SECONDS, path="/", secure=secure, httponly=True, samesite="strict"
    )


def _name(name: str, secure: bool) -> str:
    """By https with the prefix that keeps other hosts of the same domain from planting one."""
    return f"__Host-{name}" if secure else name
