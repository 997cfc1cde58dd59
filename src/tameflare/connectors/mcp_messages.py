"""The JSON-RPC messages of a POST to an MCP server, read so that no server can read them otherwise.

JSON-RPC 2.0 as the Model Context Protocol uses it: a request has an `id` that is text or an integer, a notification
has none, an answer to the server has `result` or `error`. Revision 2026-07-28 of the protocol repeats parts of the body
in header fields (`Mcp-Method`, `Mcp-Name`, `Mcp-Param-*`); a server may go by them, so they must agree with the body.
"""

from __future__ import annotations

import base64
from collections.abc import Iterable, Iterator
from typing import Any, Final

import msgspec

from tameflare.connectors.bodies import content_type, json_value
from tameflare.connectors.faults import Unreadable
from tameflare.connectors.fields import Fields
from tameflare.connectors.mcp_names import CALL
from tameflare.connectors.request import HttpRequest

MOST_MESSAGES: Final = 100
_MEMBERS: Final = frozenset({"jsonrpc", "id", "method", "params", "result", "error"})
_NAMED_BY: Final = {CALL: "name", "prompts/get": "name", "resources/read": "uri"}
_DECISIVE: Final = frozenset({"name", "uri", "arguments"})
_PARAMETER: Final = b"mcp-param-"
_BASE64: Final = ("=?base64?", "?=")
_LARGEST_EXACT: Final = 2**53


class Message(msgspec.Struct, frozen=True):
    """One message. `method` is empty for an answer to a request of the server; `id` is None for a notification."""

    method: str
    id: str | int | None
    params: Fields


class Post(msgspec.Struct, frozen=True):
    """What one POST carries; `batch` tells whether it came as an array."""

    messages: tuple[Message, ...]
    batch: bool = False

    @property
    def asked(self) -> tuple[str | int, ...]:
        """The ids that wait for an answer."""
        return tuple(message.id for message in self.messages if message.method and message.id is not None)


def read(request: HttpRequest) -> Post:
    """Every message of a body. Raises Unreadable."""
    if content_type(request) != "application/json":
        raise Unreadable("the content type is not `application/json`")
    value = json_value(request)
    entries = value if isinstance(value, list) else [value]
    if not 0 < len(entries) <= MOST_MESSAGES:
        raise Unreadable(f"a batch holds between 1 and {MOST_MESSAGES} messages")
    post = Post(tuple(map(_message, entries)), isinstance(value, list))
    if len(set(post.asked)) != len(post.asked):
        raise Unreadable("two requests of a batch have the same id")
    _check_headers(request, post)
    return post


def asked(request: HttpRequest | None) -> Post:
    """The same for an answer in place of the server's; empty where the body was not read or cannot be."""
    if request is None or not request.body:
        return Post(())
    try:
        return read(request)
    except Unreadable:
        return Post(())


def _message(entry: Any) -> Message:
    if not isinstance(entry, dict) or entry.get("jsonrpc") != "2.0":
        raise Unreadable("the body is not a JSON-RPC 2.0 message")
    foreign = entry.keys() - _MEMBERS
    if foreign:
        raise Unreadable(f"a JSON-RPC message has no member `{min(foreign)[:64]}`")
    if "id" in entry and not _is_id(entry["id"]):
        raise Unreadable("the `id` of a message is neither text nor an integer")
    return _call(entry) if "method" in entry else _answer(entry)


def _is_id(value: Any) -> bool:
    return isinstance(value, str) or (
        isinstance(value, int) and not isinstance(value, bool) and abs(value) <= _LARGEST_EXACT
    )


def _call(entry: Fields) -> Message:
    method, params = entry["method"], entry.get("params")
    if not isinstance(method, str) or not method:
        raise Unreadable("the `method` of a message is not text")
    if "result" in entry or "error" in entry:
        raise Unreadable("a message is both a request and an answer")
    if params is not None and not isinstance(params, dict):
        raise Unreadable("the `params` of a message are not an object")
    for name in params or {}:
        if name not in _DECISIVE and name.strip().casefold() in _DECISIVE:
            raise Unreadable(f"the parameter `{name[:64]}` could be read as another")
    return Message(method, entry.get("id"), params or {})


def _answer(entry: Fields) -> Message:
    if ("result" in entry) == ("error" in entry) or "params" in entry:
        raise Unreadable("a message is neither a request nor an answer")
    return Message("", entry.get("id"), {})


# --- header fields that repeat the body -------------------------------------------------------------------------------


def _check_headers(request: HttpRequest, post: Post) -> None:
    methods, names = request.values(b"mcp-method"), request.values(b"mcp-name")
    parameters = [lower for lower, _, _ in request.headers if lower.startswith(_PARAMETER)]
    if not (methods or names or parameters):
        return
    if post.batch:
        raise Unreadable("`Mcp-` header fields cannot describe a batch")
    if max(len(methods), len(names)) > 1 or len(set(parameters)) != len(parameters):
        raise Unreadable("an `Mcp-` header field is sent twice")
    (message,) = post.messages
    if methods and methods[0].decode("latin-1") != message.method:
        raise Unreadable("`Mcp-Method` is not the method of the body")
    if names and _text(names[0]) not in _names(message):
        raise Unreadable("`Mcp-Name` is not the name in the body")
    mirrored = set(_values(message.params.get("arguments")))
    for name in parameters:
        if _text(request.values(name)[0]) not in mirrored:
            raise Unreadable(f"`{name.decode('latin-1')}` is no argument of the body")


def _text(value: bytes) -> str:
    """A header value as it is meant, Base64 taken off. Raises Unreadable."""
    text = value.decode("latin-1")
    start, end = _BASE64
    if not (text.startswith(start) and text.endswith(end)):
        return text
    try:
        return base64.b64decode(text.removeprefix(start).removesuffix(end), validate=True).decode()
    except ValueError:  # of base64, of characters that are none of its own, and of UTF-8
        raise Unreadable("an `Mcp-` header field is not Base64 of UTF-8") from None


def _names(message: Message) -> Iterable[Any]:
    """What `Mcp-Name` may say."""
    field = _NAMED_BY.get(message.method)
    return [message.params.get(field)] if field else message.params.values()


def _values(value: Any) -> Iterator[str]:
    """Every text, number and truth value in the arguments, as it stands in a header field."""
    if isinstance(value, dict | list):
        for inner in value.values() if isinstance(value, dict) else value:
            yield from _values(inner)
    elif isinstance(value, bool):
        yield "true" if value else "false"
    elif isinstance(value, str | int | float):
        yield str(value)
