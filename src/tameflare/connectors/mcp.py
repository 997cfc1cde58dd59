"""MCP servers over Streamable HTTP: tools by name, their arguments as parameters, lists of tools filtered.

Sessions (`Mcp-Session-Id`), versions (`MCP-Protocol-Version`) and resumed streams (`Last-Event-ID`) pass as they are.
"""

from __future__ import annotations

import json
from typing import ClassVar, Final

from tameflare.connectors import mcp_errors, mcp_held, naming
from tameflare.connectors.base import Allowed, BodySays, Classified, HttpCall
from tameflare.connectors.denials import Denial, Rendered
from tameflare.connectors.faults import Unreadable
from tameflare.connectors.fields import Fields
from tameflare.connectors.generic import GenericConnector
from tameflare.connectors.mcp_answers import EventStream, JsonAnswer
from tameflare.connectors.mcp_messages import Message, Post, asked, read
from tameflare.connectors.mcp_names import (
    CALL,
    CLOSE_SESSION,
    LIST,
    LIST_TOOLS,
    OPEN_STREAM,
    RESPONSE,
    RPC,
    TOOLS,
    method_of,
    method_type,
    tool_of,
    tool_type,
    weigh,
)
from tameflare.connectors.request import HttpRequest
from tameflare.core.action import Action, Effect, Risk
from tameflare.core.changes import BodyChange
from tameflare.core.config import ConnectorConfig
from tameflare.core.errors import InvalidValue

ENDPOINTS: Final = ("/mcp", "/")
EVENTS: Final = "text/event-stream"
_BAD_GATEWAY: Final = 502
_SESSION: Final = {"GET": OPEN_STREAM, "DELETE": CLOSE_SESSION}


class McpConnector(GenericConnector):
    """One MCP server. Whatever is asked of its host at other paths than its endpoints is `mcp.unknown.<method>`."""

    prefix: ClassVar[str] = "mcp"
    filters_responses: ClassVar[bool] = True

    def __init__(self, config: ConnectorConfig) -> None:
        super().__init__(config)
        self._paths = frozenset(path.rstrip("/") for path in config.paths or ENDPOINTS)

    # --- forward ------------------------------------------------------------------------------------------------------

    def classify(self, request: HttpRequest) -> Classified:
        """The body always counts: in a POST it says what is asked, elsewhere there must be none."""
        return Classified(naming.unknown(self.prefix, request), needs_body=True)

    def name(self, request: HttpRequest) -> tuple[Action, ...]:
        if request.path.rstrip("/") not in self._paths:
            return naming.unknown(self.prefix, request)
        if request.method == "POST":
            return tuple(_action(request, message) for message in read(request).messages)
        if request.body:
            raise Unreadable(f"a {request.method} to an MCP server has a body")
        named = _SESSION.get(request.method)
        if named is None:
            return naming.unknown(self.prefix, request)
        return (Action(named, _place(request), {}, Risk.LOW, Effect.READ),)

    def body_says(self, request: HttpRequest) -> BodySays:  # noqa: ARG002 - `name` reads all of it, or refuses
        return BodySays.FIELDS

    def deny(self, denial: Denial, request: HttpRequest | None = None) -> Rendered:
        accept = request.header(b"accept") if request is not None else ""
        return mcp_errors.deny(denial, asked(request), accept)

    # --- held requests ------------------------------------------------------------------------------------------------

    def bound_body(self, request: HttpRequest) -> bytes | None:
        return mcp_held.bound_body(request)

    def waits_as(self, request: HttpRequest) -> frozenset[str]:
        return mcp_held.waits_as(request)

    def calls_off(self, request: HttpRequest) -> frozenset[str]:
        return mcp_held.calls_off(request)

    # --- answers ------------------------------------------------------------------------------------------------------

    def response_filter(
        self, request: HttpRequest, actions: tuple[Action, ...], allowed: Allowed, content_type: str
    ) -> BodyChange | None:
        """Lists of tools come in answers to `tools/list`, and in the streams that a GET opens or takes up again."""
        lists = any(action.type == LIST_TOOLS for action in actions)
        if not lists and request.method != "GET":
            return None
        post = asked(request)
        kind = content_type.partition(";")[0].strip().lower()

        def keep(name: str) -> bool:
            return _may_call(request, name, allowed)

        def fault(reason: str) -> bytes:
            return _fault(post, reason)

        if kind == EVENTS:
            return EventStream(keep, fault)
        return JsonAnswer(keep, fault, strict=lists and kind.endswith("json"))

    # --- backward -----------------------------------------------------------------------------------------------------

    def build(self, action: Action) -> HttpCall:
        """For servers that keep no session; the path is the resource's, or the first endpoint."""
        if action.type == LIST_TOOLS:
            method, params = LIST, action.parameters
        elif action.type.startswith(TOOLS):
            method, params = CALL, {"name": tool_of(action.type), "arguments": action.parameters}
        elif action.type.startswith(RPC) and action.type != RESPONSE:
            method, params = method_of(action.type), action.parameters
        else:
            raise InvalidValue(f"the action `{action.type}` cannot be carried out as a request")
        path = str(action.resource.get("path") or (self.config.paths or ENDPOINTS)[0])
        body = json.dumps({"jsonrpc": "2.0", "id": 1, "method": method, "params": params}).encode()
        headers = (("Accept", f"{mcp_errors.JSON}, {EVENTS}"),)
        return HttpCall("POST", self.domains[0], path, "", headers, mcp_errors.JSON, body)


def _action(request: HttpRequest, message: Message) -> Action:
    if not message.method:
        return Action(RESPONSE, _place(request), {}, Risk.LOW, Effect.WRITE)
    if message.method == CALL:
        return _call(request, message.params.get("name"), message.params.get("arguments"))
    if message.method == LIST:
        return Action(LIST_TOOLS, _place(request), message.params, Risk.LOW, Effect.READ)
    return Action(method_type(message.method), _place(request), message.params, *weigh(message.method))


def _call(request: HttpRequest, name: object, arguments: object) -> Action:
    """What a server says of its own tools is not believed: any of them may do anything."""
    if not isinstance(name, str):
        raise Unreadable("the `name` of the tool is not text")
    if arguments is not None and not isinstance(arguments, dict):
        raise Unreadable("the `arguments` of the tool are not an object")
    parameters: Fields = arguments or {}
    return Action(tool_type(name), _place(request) | {"tool": name}, parameters, Risk.MEDIUM, Effect.WRITE)


def _place(request: HttpRequest) -> dict[str, str]:
    return {"host": request.host, "path": request.path}


def _may_call(request: HttpRequest, name: str, allowed: Allowed) -> bool:
    try:
        return allowed(_call(request, name, None))
    except Unreadable:
        return False


def _fault(post: Post, reason: str) -> bytes:
    return mcp_errors.error(post, _BAD_GATEWAY, reason, {"reason": "upstream_invalid"})
