"""What of a POST to an MCP server an approval is bound to, and which POST a client has given up.

A client that gives up and calls again sends another `id` and another progress token: they say where the answer goes and
nothing of what is done. All else counts as it was sent, to the byte within each member, and so does whether there was
an `id` or a token.
"""

from __future__ import annotations

from typing import Final

import msgspec

from tameflare.connectors.base import NO_NAMES
from tameflare.connectors.bodies import plain_body
from tameflare.connectors.faults import Unreadable
from tameflare.connectors.mcp_messages import Message, read
from tameflare.connectors.request import HttpRequest

CANCELLED: Final = "notifications/cancelled"
_ANY: Final = msgspec.Raw(b"null")
"""In the place of an id or a token. Nobody can send it: a message whose id or token is null is not read."""

_Members = dict[str, msgspec.Raw]


def bound_body(request: HttpRequest) -> bytes | None:
    """The body without what changes from one try to the next; None where it cannot be read."""
    if request.method != "POST":
        return None
    try:
        post, plain = read(request), plain_body(request)
        if post.batch:
            return msgspec.json.encode(list(map(_bound, msgspec.json.decode(plain, type=list[_Members]))))
        return msgspec.json.encode(_bound(msgspec.json.decode(plain, type=_Members)))
    except (Unreadable, msgspec.MsgspecError):
        return None


def _bound(message: _Members) -> _Members:
    """An answer to the server keeps its id, which says what is answered."""
    if "method" not in message:
        return message
    bound = dict(message)
    if "id" in bound:
        bound["id"] = _ANY
    params = _members(bound.get("params"))
    meta = _members(params.get("_meta"))
    if "progressToken" in meta:
        _check_token(meta["progressToken"])
        params["_meta"] = msgspec.Raw(msgspec.json.encode(meta | {"progressToken": _ANY}))
        bound["params"] = msgspec.Raw(msgspec.json.encode(params))
    return bound


def _members(raw: msgspec.Raw | None) -> _Members:
    """The members of an object; none for any other value."""
    if raw is None or not bytes(raw).startswith(b"{"):
        return {}
    return msgspec.json.decode(raw, type=_Members)


def _check_token(raw: msgspec.Raw) -> None:
    """Raises msgspec.MsgspecError for a token that is neither text nor an integer."""
    msgspec.json.decode(raw, type=str | int)


# --- calls that nobody waits for any more -----------------------------------------------------------------------------


def waits_as(request: HttpRequest) -> frozenset[str]:
    """The names by which `calls_off` can mean this request: one, for a single message that waits for an answer."""
    message = _single(request)
    if message is None or not message.method or message.id is None:
        return NO_NAMES
    return frozenset({_name(request, message.id)})


def calls_off(request: HttpRequest) -> frozenset[str]:
    """The names of the requests of the same session that this one says nobody waits for any more."""
    if b"cancelled" not in (request.body or b""):
        return NO_NAMES
    message = _single(request)
    if message is None or message.method != CANCELLED:
        return NO_NAMES
    given_up = message.params.get("requestId")
    if isinstance(given_up, bool) or not isinstance(given_up, str | int):
        return NO_NAMES
    return frozenset({_name(request, given_up)})


def _single(request: HttpRequest) -> Message | None:
    if request.method != "POST":
        return None
    try:
        post = read(request)
    except Unreadable:
        return None
    return None if post.batch else post.messages[0]


def _name(request: HttpRequest, id_: str | int) -> str:
    """An id is text or a number, and `"1"` is not 1."""
    return f"{request.header(b'mcp-session-id')} {request.path} {id_!r}"
