"""The first page: what waits for people, and what has just gone through."""

from __future__ import annotations

from typing import Final

from fastapi import Response

from tameflare.control.api.auth import Wired
from tameflare.control.dashboard.pages import router as page_router
from tameflare.control.dashboard.rendering import page
from tameflare.control.dashboard.traffic import newest
from tameflare.control.dashboard.visitors import Somebody
from tameflare.control.services.traffic import Wanted

_RECENT: Final = 12

router = page_router()


@router.get("/dashboard")
async def show_overview(visitor: Somebody, services: Wired) -> Response:
    rows = await newest(services, Wanted(), limit=_RECENT)
    return await page(services, visitor, "overview.html", place="overview", rows=rows)
