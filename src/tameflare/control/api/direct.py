"""The shorter way for a route that is asked more often than all others together.

It is described in the OpenAPI document as any other, and answered without the framework's matching, its solving of
dependencies and its reading of bodies, which take longer than a decision does. Faults are answered as everywhere.
"""

from __future__ import annotations

from collections.abc import Callable, Coroutine, Mapping
from typing import Any

from fastapi import FastAPI, Request, Response
from fastapi.routing import APIRoute
from starlette.requests import ClientDisconnect
from starlette.types import ASGIApp, Receive, Scope, Send

from tameflare.control.api import errors

Handler = Callable[[Request], Coroutine[Any, Any, Response]]


class DirectRoute(APIRoute):
    """Its endpoint takes the request and gives the answer; what it takes and gives is described by `openapi_extra` and
    `response_model`."""

    def get_route_handler(self) -> Handler:
        handler: Handler = self.endpoint
        return handler


class WithShortcuts(FastAPI):
    """The framework's application, but for the requests that `shortcuts` answers: by method and path, exactly."""

    shortcuts: Mapping[tuple[str, str], ASGIApp] = {}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http":
            shortcut = self.shortcuts.get((scope["method"], scope["path"]))
            if shortcut is not None:
                scope["app"] = self
                await shortcut(scope, receive, send)
                return
        await super().__call__(scope, receive, send)


def answering(handler: Handler) -> ASGIApp:
    """A handler as an application of its own."""

    async def answer(scope: Scope, receive: Receive, send: Send) -> None:
        request = Request(scope, receive)
        try:
            response = await handler(request)
        except ClientDisconnect:
            return  # nobody reads it
        except Exception as fault:  # noqa: BLE001 - the outermost edge, as the framework's
            response = await errors.answered(request, fault)
        await response(scope, receive, send)

    return answer


async def body_of(request: Request) -> bytes:
    """The whole body, which is bounded before it gets here. Raises ClientDisconnect."""
    message = await request.receive()
    body: bytes = message.get("body", b"")
    while message["type"] == "http.request" and message.get("more_body", False):
        message = await request.receive()
        body += message.get("body", b"")
    if message["type"] == "http.disconnect":
        raise ClientDisconnect
    return body
