"""The dashboard as part of the application: every page in its order."""

from __future__ import annotations

from fastapi import FastAPI, Response

from tameflare.control.dashboard import approvals, assets, events, killswitch, login, overview, register, traffic
from tameflare.control.dashboard.pages import router as page_router
from tameflare.control.dashboard.pages import see
from tameflare.control.dashboard.visitors import Somebody
from tameflare.control.services.faults import NotFound

_PAGES = (assets, login, register, overview, approvals, traffic, killswitch, events)
_rest = page_router()


@_rest.get("/dashboard/{path:path}")
async def unknown(path: str, _visitor: Somebody) -> Response:
    """Raises NotFound: as a page, for somebody who is logged in."""
    if not path:
        return see("/dashboard")
    raise NotFound("page", f"/dashboard/{path}")


def install(app: FastAPI) -> None:
    app.state.streams = events.Streams()
    for each in _PAGES:
        app.include_router(each.router)
    app.include_router(_rest)
