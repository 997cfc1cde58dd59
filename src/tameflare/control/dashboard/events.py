"""Tells open pages that there is news of something they show; they then fetch themselves anew.

A stream carries names only, never what happened, so that there is one way in which a page is made.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from typing import Annotated, Final

from fastapi import Query, Request, Response
from fastapi.responses import StreamingResponse

from tameflare.control.api.auth import Wired
from tameflare.control.dashboard.cookies import session_token
from tameflare.control.dashboard.pages import router as page_router
from tameflare.control.dashboard.rendering import HEADERS
from tameflare.control.dashboard.visitors import Somebody
from tameflare.control.services.faults import Throttled
from tameflare.control.wiring import Services

BEAT_SECONDS: Final = 15.0
PACE_SECONDS: Final = 0.5
PER_PERSON: Final = 20
_AGAIN_SECONDS: Final = 60

router = page_router()
Topics = Annotated[str, Query(pattern=r"^[a-z]{1,20}(,[a-z]{1,20}){0,4}$")]


class Streams:
    """How many are open, by person."""

    def __init__(self) -> None:
        self._open: Counter[str] = Counter()

    def check(self, person: str) -> None:
        """Raises Throttled where this person has too many."""
        if self._open[person] >= PER_PERSON:
            raise Throttled("too many pages are open", _AGAIN_SECONDS)

    @contextmanager
    def one(self, person: str) -> Iterator[None]:
        self._open[person] += 1
        try:
            yield
        finally:
            self._open[person] -= 1


@router.get("/dashboard/events")
async def events(request: Request, visitor: Somebody, services: Wired, topics: Topics) -> Response:
    """`event: news` with the topics that changed, at most twice a second; `event: beat` when nothing did for a while.

    Ends with the session, and when the server stops.
    """
    streams: Streams = request.app.state.streams
    streams.check(visitor.user.id)
    secret = session_token(request, services.context.settings)
    lines = _lines(services, secret, frozenset(topics.split(",")))

    async def counted() -> AsyncIterator[bytes]:
        with streams.one(visitor.user.id):
            async for line in lines:
                yield line

    return StreamingResponse(counted(), media_type="text/event-stream", headers={**HEADERS, "X-Accel-Buffering": "no"})


async def _lines(services: Services, secret: str, wanted: frozenset[str]) -> AsyncIterator[bytes]:
    news = services.news
    seen = dict(news.counts)
    yield b"retry: 2000\n\n"
    while not news.closed and await services.sessions.find(secret, active=False) is not None:
        rang = await news.wait(seen, BEAT_SECONDS)
        present = dict(news.counts)
        changed = sorted(name for name in wanted if present.get(name) != seen.get(name))
        seen = present
        if changed:
            yield f"event: news\ndata: {' '.join(changed)}\n\n".encode()
        elif not rang:
            yield b"event: beat\ndata:\n\n"
        await asyncio.sleep(PACE_SECONDS)
