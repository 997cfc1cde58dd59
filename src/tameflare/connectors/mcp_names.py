"""Names of what an MCP client does: every tool and every method has one action type, and no two share one.

A tool is `mcp.tools.<name>`, a method `mcp.rpc.<method>` with `_` for each `/`. What cannot stand in a segment of an
action type is written `_x<code point>_`, in at least four lower-case hexadecimal digits: the tool `repo.read` is
`mcp.tools.repo_x002e_read`. So a name is always one segment, and what it names can be read back from it. Where a name
would otherwise be taken for an escape, or for another action (a tool called `list`), the character in question is
escaped as well.
"""

from __future__ import annotations

import re
from typing import Final

from tameflare.connectors.faults import Unreadable
from tameflare.core.action import Effect, Risk

TOOLS: Final = "mcp.tools."
RPC: Final = "mcp.rpc."
LIST_TOOLS: Final = "mcp.tools.list"
RESPONSE: Final = "mcp.rpc.response"
OPEN_STREAM: Final = "mcp.stream.open"
CLOSE_SESSION: Final = "mcp.session.close"
CALL: Final = "tools/call"
LIST: Final = "tools/list"
LONGEST_NAME: Final = 256

_READS: Final = """
    initialize ping server/discover logging/setLevel completion/complete
    resources/list resources/templates/list resources/read resources/subscribe resources/unsubscribe
    subscriptions/listen prompts/list prompts/get tasks/get tasks/list tasks/result
    notifications/initialized notifications/cancelled notifications/progress notifications/roots/list_changed
"""
_WRITES: Final = "tasks/cancel tasks/delete tasks/update tasks/input_response"
EFFECTS: Final[dict[str, Effect]] = dict.fromkeys(_READS.split(), Effect.READ) | dict.fromkeys(
    _WRITES.split(), Effect.WRITE
)
"""Every method of the specification but `tools/*`; what concerns a session alone changes nothing outside of it."""

_ESCAPE: Final = re.compile(r"_x([0-9a-f]{4,6})_")
_FOREIGN_TO_TOOL: Final = re.compile(r"_(?=x[0-9a-f]{4})|[^A-Za-z0-9_\-]")
_FOREIGN_TO_METHOD: Final = re.compile(r"_|/(?=x[0-9a-f]{4})|[^A-Za-z0-9/\-]")
_METHOD: Final = re.compile(r"[A-Za-z0-9_.$:\-]+(?:/[A-Za-z0-9_.$:\-]+)*")
_KNOWN: Final = {method: method.replace("/", "_") for method in EFFECTS}
_BY_SEGMENT: Final = {segment: method for method, segment in _KNOWN.items()}
_TAKEN: Final = frozenset({*_BY_SEGMENT, RESPONSE.removeprefix(RPC)})
_CAREFUL: Final = {method.casefold(): method for method in (*EFFECTS, CALL, LIST)}


def tool_type(name: str) -> str:
    """The action type of a call of this tool. Raises Unreadable for names that some server might read otherwise."""
    if not 0 < len(name) <= LONGEST_NAME:
        raise Unreadable(f"the name of a tool is empty or over {LONGEST_NAME} characters")
    if not name.isprintable() or name != name.strip():
        raise Unreadable("the name of a tool has blanks around it or characters that cannot be printed")
    segment = _FOREIGN_TO_TOOL.sub(_escaped, name)
    return TOOLS + _unless(segment, segment == "list")


def method_type(method: str) -> str:
    """The action type of a method. Raises Unreadable for what looks like a known method and is none."""
    if method in _KNOWN:
        return RPC + _KNOWN[method]
    if method == LIST:
        return LIST_TOOLS
    if not _METHOD.fullmatch(method) or len(method) > LONGEST_NAME:
        raise Unreadable(f"`{method[:64]}` is not a method")
    if method.casefold() in _CAREFUL:
        raise Unreadable(f"`{method}` is not the method `{_CAREFUL[method.casefold()]}`")
    segment = _FOREIGN_TO_METHOD.sub(_escaped, method).replace("/", "_")
    return RPC + _unless(segment, segment in _TAKEN)


def tool_of(action_type: str) -> str:
    """The name of the tool that an action type calls."""
    return _ESCAPE.sub(_plain, action_type.removeprefix(TOOLS))


def method_of(action_type: str) -> str:
    """The method that an action type under `mcp.rpc.` stands for."""
    segment = action_type.removeprefix(RPC)
    if segment in _BY_SEGMENT:
        return _BY_SEGMENT[segment]
    pieces = _ESCAPE.split(segment)
    pieces[::2] = [piece.replace("_", "/") for piece in pieces[::2]]
    pieces[1::2] = [chr(int(digits, 16)) for digits in pieces[1::2]]
    return "".join(pieces)


def known() -> set[str]:
    """Every action type that does not depend on the server's tools."""
    return {*(RPC + segment for segment in _KNOWN.values()), LIST_TOOLS, RESPONSE, OPEN_STREAM, CLOSE_SESSION}


def weigh(method: str) -> tuple[Risk, Effect]:
    """How dangerous a method is; unknown ones, and calls of tools, are writes of medium risk."""
    effect = EFFECTS.get(method, Effect.WRITE)
    return (Risk.LOW if effect is Effect.READ else Risk.MEDIUM), effect


def _escaped(match: re.Match[str]) -> str:
    return f"_x{ord(match[0]):04x}_"


def _plain(match: re.Match[str]) -> str:
    return chr(int(match[1], 16))


def _unless(segment: str, taken: bool) -> str:
    """The segment, its first character escaped where the segment is another action's."""
    return f"_x{ord(segment[0]):04x}_{segment[1:]}" if taken else segment
