"""Before any route: which hosts are answered for, how large a body may be, and what every answer carries."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Final
from urllib.parse import urlsplit

import structlog
from starlette.datastructures import Headers
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from tameflare.control.api.errors import answer
from tameflare.link.approvals import APPROVALS_PATH
from tameflare.link.messages import RECORDS_PATH

MAX_BODY: Final = 1 << 20
_BOUNDED_BY_THEIR_ROUTE: Final = frozenset({RECORDS_PATH, APPROVALS_PATH})
_ROOM: Final = {f"/api/dashboard/policies/{word}": 8 << 20 for word in ("apply", "validate", "replay")}
"""Where more than MAX_BODY is taken: a whole set of policies."""
_LOOPBACK: Final = ("localhost", "127.0.0.1", "[::1]")
_WORD: Final = re.compile(rb"[\x21-\x7e]{1,128}")
_ANY: Final = frozenset({"", "0.0.0.0", "::"})  # noqa: S104 - compared with, not bound to
_ALWAYS: Final = [
    (b"x-content-type-options", b"nosniff"),
    (b"x-frame-options", b"DENY"),
]
_FIXED: Final = {name for name, _ in _ALWAYS}
_UNLESS_SAID: Final = [
    (b"cross-origin-resource-policy", b"same-origin"),
    (b"referrer-policy", b"no-referrer"),
    (b"cache-control", b"no-store"),
    (b"content-security-policy", b"default-src 'none'; frame-ancestors 'none'"),
]

_log = structlog.get_logger("tameflare.guard")


def allowed_hosts(host: str, public_url: str) -> frozenset[str]:
    """Names that may stand in `Host`: loopback's, the listener's own and that of the public URL."""
    own = () if host in _ANY else (f"[{host}]" if ":" in host else host,)
    public = urlsplit(public_url).hostname or ""
    names = (*_LOOPBACK, *own, f"[{public}]" if ":" in public else public)
    return frozenset(name.lower() for name in names if name)


class Guard:
    """Refuses foreign `Host` values (DNS rebinding) and large bodies; adds security headers to every answer."""

    def __init__(self, app: ASGIApp, hosts: Iterable[str]) -> None:
        self._app = app
        self._hosts = frozenset(hosts)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        app = self._refusal(scope) or self._app
        await app(scope, _limited(scope, receive), _with_headers(send, _request_id(scope)))

    def _refusal(self, scope: Scope) -> ASGIApp | None:
        headers = Headers(scope=scope)
        host = _without_port(headers.get("host", ""))
        if host not in self._hosts:
            _log.warning("host_refused", host=host[:100])
            return answer(421, "host_refused", "this server does not answer for that host", "set TF_PUBLIC_URL")
        length = headers.get("content-length", "0")
        most = _ROOM.get(scope["path"], MAX_BODY)
        if scope["path"] not in _BOUNDED_BY_THEIR_ROUTE and length.isdecimal() and int(length) > most:
            return answer(413, "body_too_large", f"a body may have {most} bytes", "send less")
        return None


def _without_port(host: str) -> str:
    name, colon, port = host.rpartition(":")
    return (name if colon and port.isdecimal() else host).lower()


def _limited(scope: Scope, receive: Receive) -> Receive:
    """A body without a length is cut off, so that it cannot be read as JSON."""
    if scope["path"] in _BOUNDED_BY_THEIR_ROUTE:
        return receive
    left = _ROOM.get(scope["path"], MAX_BODY)

    async def limited() -> Message:
        nonlocal left
        message = await receive()
        left -= len(message.get("body", b""))
        return message if left >= 0 else {"type": "http.request", "body": b"", "more_body": False}

    return limited


def _request_id(scope: Scope) -> list[tuple[bytes, bytes]]:
    """What the caller calls his request is told back to him, if it is a word."""
    return [line for line in scope["headers"] if line[0] == b"x-request-id" and _WORD.fullmatch(line[1])][:1]


def _with_headers(send: Send, more: list[tuple[bytes, bytes]]) -> Send:
    async def wrapped(message: Message) -> None:
        if message["type"] == "http.response.start":
            said = {name for name, _ in message["headers"]}
            kept = [line for line in message["headers"] if line[0] not in _FIXED]
            message["headers"] = [*kept, *more, *_ALWAYS, *(line for line in _UNLESS_SAID if line[0] not in said)]
        await send(message)

    return wrapped
