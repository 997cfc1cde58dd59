"""Log-in and log-out."""

from __future__ import annotations

from fastapi import Request, Response

from tameflare.control.api.auth import Wired, address_of
from tameflare.control.api.errors import status_of
from tameflare.control.dashboard import cookies
from tameflare.control.dashboard.entrance import PostedByStranger, let_in, strangers_page
from tameflare.control.dashboard.forms import own_page
from tameflare.control.dashboard.pages import router as page_router
from tameflare.control.dashboard.pages import see
from tameflare.control.dashboard.visitors import Anybody, Posted, Somebody
from tameflare.control.services.faults import Refused, Throttled, Unauthorized
from tameflare.control.wiring import Services
from tameflare.core.errors import TameFlareError
from tameflare.settings import REGISTRATION

router = page_router()


@router.get("/")
async def root() -> Response:
    return see("/dashboard")


@router.get("/login")
async def show_login(request: Request, visitor: Anybody, services: Wired, next: str = "") -> Response:  # noqa: A002
    if visitor is not None:
        return see(own_page(next))
    if not await services.users.anyone():
        return see("/register")
    return _login(request, services, next)


@router.post("/login")
async def log_in(request: Request, form: PostedByStranger, services: Wired) -> Response:
    """A session for whoever knows the password; the same words whatever was wrong."""
    email, back = form.get("email", ""), form.get("next", "")
    try:
        user = await services.users.log_in(email, form.get("password", ""), address_of(request))
    except (Unauthorized, Refused, Throttled) as fault:
        return _login(request, services, back, email=email, fault=fault)
    return await let_in(request, services, user, own_page(back))


@router.post("/dashboard/logout")
async def log_out(request: Request, form: Posted, visitor: Somebody, services: Wired) -> Response:
    """Here, or with `everywhere` in every browser."""
    if form.get("everywhere"):
        await services.sessions.end_all(visitor)
    else:
        await services.sessions.end(visitor)
    response = see("/login")
    cookies.drop_session(request, response, services.context.settings)
    return response


def _login(
    request: Request, services: Services, back: str, *, email: str = "", fault: TameFlareError | None = None
) -> Response:
    response = strangers_page(
        request,
        services,
        "login.html",
        status_of(fault) if fault else 200,
        back=own_page(back),
        email=email,
        fault=fault,
        registration=services.context.settings.get(REGISTRATION) == "open",
    )
    if isinstance(fault, Throttled):
        response.headers["Retry-After"] = str(fault.retry_after)
    return response
