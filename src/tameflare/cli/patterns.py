"""Whether a rule can ever match: a mistyped pattern would deny or allow nothing, and nobody would notice."""

from __future__ import annotations

import difflib
from typing import Final

from tameflare.connectors import mcp_names, registry
from tameflare.connectors.table import vendor_routes
from tameflare.core.access import parse_pattern

_METHODS: Final = ("get", "head", "post", "put", "patch", "delete", "options")
_OTHERS: Final = {"generic": "http", "webhook": "webhook"}


def actions(type_: str) -> set[str]:
    """The action types that a connector of this type is known to name."""
    if type_ == "tunnel":
        return {"tunnel.open"}
    if type_ == "mcp":
        return mcp_names.known()
    if type_ in _OTHERS:
        return {f"{_OTHERS[type_]}.{method}" for method in _METHODS}
    return {row.type for row in vendor_routes(type_).rows}


def warning(type_: str, pattern: str) -> str:
    """A sentence if no known action of the type matches the pattern, else nothing."""
    parsed = parse_pattern(pattern)
    if parsed.names_unknown or type_ not in registry.TYPES:
        return ""
    known = actions(type_)
    if type_ == "mcp" and pattern.startswith((mcp_names.TOOLS, mcp_names.RPC)) and pattern.count(".") == 2:
        return ""  # servers have tools, and may have methods, that nobody here knows
    if any(parsed.matches(action) for action in known):
        return ""
    near = difflib.get_close_matches(pattern, known, n=1)
    advice = f"did you mean `{near[0]}`?" if near else "docs/reference/actions.md lists the names"
    return f"no known action of type `{type_}` matches `{pattern}`; {advice}"
