"""Routers whose bodies are read strictly: one meaning or none."""

from __future__ import annotations

import json
from collections.abc import Callable, Coroutine
from typing import Any

from fastapi import APIRouter, Request, Response
from fastapi.routing import APIRoute

from tameflare.connectors.faults import Unreadable
from tameflare.connectors.strict_json import parse_json
from tameflare.control.api.errors import RESPONSES


class StrictRequest(Request):
    """A request whose JSON has no repeated names, no NaN, no byte order mark."""

    async def json(self) -> Any:
        """Raises JSONDecodeError."""
        try:
            return parse_json(await self.body())
        except Unreadable as fault:
            raise json.JSONDecodeError(fault.message, "", 0) from None


class StrictRoute(APIRoute):
    """A route that reads its body by StrictRequest."""

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        handle = super().get_route_handler()

        async def strict(request: Request) -> Response:
            return await handle(StrictRequest(request.scope, request.receive))

        return strict


def router_for(tag: str, prefix: str = "") -> APIRouter:
    """A router whose bodies are read strictly and whose usual errors stand in the OpenAPI document."""
    return APIRouter(prefix=prefix, tags=[tag], route_class=StrictRoute, responses=RESPONSES)
