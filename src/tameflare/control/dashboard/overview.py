"""The first page: what waits for people, and what has just gone through."""

from __future__ import annotations

from typing import Final

from fastapi import Response

from tameflare.control.api.auth import Wired
from tameflare.control.dashboard.approvals import Id, waiting
from tameflare.control.dashboard.pages import router as page_router
from tameflare.control.dashboard.rendering import page
from tameflare.control.dashboard.traffic import newest
from tameflare.control.dashboard.visitors import Somebody
from tameflare.control.services.traffic import Wanted

_RECENT: Final = 12

router = page_router()


@router.get("/dashboard")
async def show_overview(visitor: Somebody, services: Wired, said: Id = "") -> Response:
    """`said` is the approval that this person has just answered."""
    rows = await newest(services, Wanted(), limit=_RECENT)
    asks = await waiting(services, visitor, said)
    return await page(services, visitor, "overview.html", place="overview", rows=rows, **asks)
