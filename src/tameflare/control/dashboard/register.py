"""Registration: of the first owner, with the code that the server printed, and of later people where it is open."""

from __future__ import annotations

from fastapi import Request, Response

from tameflare.control.api.auth import Wired, address_of
from tameflare.control.api.errors import status_of
from tameflare.control.dashboard.entrance import PostedByStranger, let_in, strangers_page
from tameflare.control.dashboard.forms import Form, line
from tameflare.control.dashboard.pages import router as page_router
from tameflare.control.dashboard.pages import see, sentence
from tameflare.control.dashboard.visitors import Anybody
from tameflare.control.services.faults import Throttled
from tameflare.control.services.passwords import MIN_CHARACTERS
from tameflare.control.services.users import Registration
from tameflare.control.wiring import Services
from tameflare.core.errors import TameFlareError
from tameflare.settings import REGISTRATION

router = page_router()


@router.get("/register")
async def show_register(request: Request, visitor: Anybody, services: Wired) -> Response:
    if visitor is not None:
        return see("/dashboard")
    return await _register(request, services, {})


@router.post("/register")
async def register(request: Request, form: PostedByStranger, services: Wired) -> Response:
    """An account, and at once a session."""
    try:
        user = await services.users.register(_wanted(form, address_of(request)))
    except TameFlareError as fault:
        return await _register(request, services, form, fault)
    return await let_in(request, services, user, "/dashboard")


def _wanted(form: Form, address: str) -> Registration:
    return Registration(
        name=line(form, "name", 200, required="say how you are called"),
        email=line(form, "email", 254),
        password=form.get("password", ""),
        setup_code=line(form, "setup_code", 64),
        address=address,
    )


async def _register(request: Request, services: Services, form: Form, fault: TameFlareError | None = None) -> Response:
    first = not await services.users.anyone()
    response = strangers_page(
        request,
        services,
        "register.html",
        status_of(fault) if fault else 200,
        first=first,
        open=first or services.context.settings.get(REGISTRATION) == "open",
        form=form,
        shortest=MIN_CHARACTERS,
        fault=fault,
        said=sentence(fault) if fault else "",
    )
    if isinstance(fault, Throttled):
        response.headers["Retry-After"] = str(fault.retry_after)
    return response
