"""A route that goes the shorter way: described in the OpenAPI document as any other, answered without the framework's
solving of dependencies and reading of bodies, which take longer than a decision does."""

from __future__ import annotations

from collections.abc import Callable, Coroutine
from typing import Any

from fastapi import Request, Response
from fastapi.routing import APIRoute


class DirectRoute(APIRoute):
    """Its endpoint takes the request and gives the answer; what it takes and gives is described by `openapi_extra` and
    `response_model`. Faults are answered as everywhere."""

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        handler: Callable[[Request], Coroutine[Any, Any, Response]] = self.endpoint
        return handler
