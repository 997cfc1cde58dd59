"""What of a held request people are not shown: they must know that there is more than they see."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Final

from msgspec.structs import replace

from tameflare.connectors.base import Connector
from tameflare.connectors.faults import Unreadable
from tameflare.connectors.request import HttpRequest
from tameflare.core.action import Action
from tameflare.core.redact import CUT
from tameflare.link.approvals import HeldAction
from tameflare.link.held_actions import is_cut

_EMPTY: Final = (b"", b"{}", b"null")
PARTS: Final = "long values are cut"


def unshown(connector: Connector, request: HttpRequest, actions: Sequence[Action], body: bytes) -> str:
    """Why the parameters of `actions` are not what `body` says, with what is left out; empty where they are."""
    hidden = _unread(connector, request, actions, body)
    return f"a body of {len(body)} bytes: {hidden}" if hidden else ""


def cut(path: str, actions: Iterable[HeldAction]) -> str:
    """Whether something of what people are shown had to be cut, in words; empty: nothing."""
    return PARTS if path.endswith(CUT) or any(is_cut([each.resource, each.parameters]) for each in actions) else ""


def _unread(connector: Connector, request: HttpRequest, actions: Sequence[Action], body: bytes) -> str:
    if body.strip() in _EMPTY:
        return ""
    try:
        read = connector.name(replace(request, body=body))
    except Unreadable as fault:
        return str(fault)
    if [action.type for action in read] != [action.type for action in actions]:
        return "it names something else than its head"
    try:
        told = read != connector.name(replace(request, body=b""))
    except Unreadable:
        told = True  # it says nothing without a body
    return connector.untold(replace(request, body=body)) if told else "it is neither a form nor JSON"
