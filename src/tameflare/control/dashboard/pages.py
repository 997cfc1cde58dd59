"""Routes that answer with pages: faults become a page too, and whoever is not logged in is led to the log-in."""

from __future__ import annotations

from collections.abc import Callable, Coroutine
from http import HTTPStatus
from typing import Any
from urllib.parse import quote

from fastapi import APIRouter, Request, Response
from fastapi.exceptions import RequestValidationError
from fastapi.responses import RedirectResponse
from fastapi.routing import APIRoute

from tameflare.control.api.errors import status_of
from tameflare.control.dashboard.rendering import HEADERS, bare_page
from tameflare.control.dashboard.visitors import LIVE_HEADER, LogInFirst
from tameflare.control.services.faults import Invalid, RoleTooLow, Throttled
from tameflare.core.errors import TameFlareError


class PageRoute(APIRoute):
    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        handle = super().get_route_handler()

        async def with_pages(request: Request) -> Response:
            try:
                return await handle(request)
            except LogInFirst:
                return _log_in_first(request)
            except TameFlareError as fault:
                return fault_page(fault)
            except RequestValidationError:
                return bare_page("fault.html", 404, title="Not Found", message="there is no such page", help="")

        return with_pages


def router() -> APIRouter:
    """A router for pages."""
    return APIRouter(route_class=PageRoute, include_in_schema=False)


def see(address: str) -> RedirectResponse:
    """Go on there with GET."""
    return RedirectResponse(address, 303, headers=HEADERS)


def fault_page(fault: TameFlareError) -> Response:
    status = status_of(fault)
    response = bare_page("fault.html", status, title=_title(status), message=sentence(fault), help=fault.help)
    if isinstance(fault, Throttled):
        response.headers["Retry-After"] = str(fault.retry_after)
    return response


def sentence(fault: TameFlareError) -> str:
    """What a person is told of a fault; all of it where there are several."""
    if isinstance(fault, RoleTooLow):
        return f"Forbidden: this needs the role {fault.required}, and yours is {fault.actual}"
    if isinstance(fault, Invalid):
        return "; ".join(f"{each.field}: {each.message}" if each.field else each.message for each in fault.faults)
    return fault.message


def _title(status: int) -> str:
    return "Unprocessable" if status == 422 else HTTPStatus(status).phrase


def _log_in_first(request: Request) -> Response:
    """A page that looks for news by itself is told by the status; a person is led on and back."""
    by_itself = LIVE_HEADER in request.headers or request.headers.get("accept") == "text/event-stream"
    if by_itself or request.method != "GET":
        return bare_page("fault.html", 401, title="Unauthorized", message="nobody is logged in", help="log in first")
    target = request.url.path + (f"?{request.url.query}" if request.url.query else "")
    return see(f"/login?next={quote(target, safe='/')}")
