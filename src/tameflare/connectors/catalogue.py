"""Every named action of the shipped connectors, for people who write rules."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from typing import Final

import msgspec

from tameflare.connectors import asked, mcp_names, registry
from tameflare.connectors.routes import Route
from tameflare.connectors.table import vendor_routes
from tameflare.core.action import Effect, Risk

_METHODS: Final = ("get", "head", "post", "put", "patch", "delete", "options")
_BY_METHOD: Final = {"generic": "http", "webhook": "webhook"}
_CAPTURE: Final = re.compile(r"\{(\w+)(?::(\w+))?\+?\}")
_TEXT: Final = "text"
_OF_SESSIONS: Final = (mcp_names.OPEN_STREAM, mcp_names.CLOSE_SESSION)
"""What an MCP client does with its session, which changes nothing outside of it."""


class NamedAction(msgspec.Struct, frozen=True):
    """`connector` is a type of connectors. `requests` are those that are named so, as people write them; `parameters`
    the known ones with their types."""

    type: str
    connector: str
    effect: Effect
    risk: Risk
    requests: tuple[str, ...] = ()
    parameters: dict[str, str] = {}


def of_connector(kind: str) -> list[NamedAction]:
    """Those of one type of connectors, by name. Other action types there may be as well: tools of MCP servers, and what
    no table names."""
    return sorted(_of(kind), key=lambda action: action.type)


def everything() -> list[NamedAction]:
    return [action for kind in registry.TYPES for action in of_connector(kind)]


def _of(kind: str) -> Iterator[NamedAction]:
    if kind in registry.VENDORS:
        yield from _of_vendor(kind)
        return
    if kind == "mcp":
        types: Iterable[str] = mcp_names.known()
    else:
        types = [f"{_BY_METHOD[kind]}.{method}" for method in _METHODS] if kind in _BY_METHOD else [f"{kind}.open"]
    for action_type in types:
        known = asked.known(action_type)
        reads = action_type in _OF_SESSIONS
        effect, risk = (Effect.READ, Risk.LOW) if reads else (known.effect, known.risk)
        yield NamedAction(action_type, kind, effect, risk)


def _of_vendor(kind: str) -> Iterator[NamedAction]:
    routes: dict[str, list[Route]] = {}
    for route in vendor_routes(kind).rows:
        routes.setdefault(route.type, []).append(route)
    for action_type, found in routes.items():
        known = asked.known(action_type)
        parameters: dict[str, str] = {}
        for route in found:
            parameters |= _parameters(route)
        requests = tuple(f"{route.method} {route.path}{_when(route)}" for route in found)
        yield NamedAction(action_type, kind, known.effect, known.risk, requests, parameters)


def _parameters(route: Route) -> dict[str, str]:
    captured = {name: word or _TEXT for name, word in _CAPTURE.findall(route.path)}
    written = (entry.partition(":") for entry in f"{route.query} {route.fields}".split())
    return captured | {name: word or _TEXT for name, _, word in written}


def _when(route: Route) -> str:
    """What tells a route from its siblings."""
    when = route.when
    if when is None:
        return ""
    if when.equals:
        return f" with `{when.field}` = `{when.equals}`"
    if when.starts:
        return f" with `{when.field}` beginning `{when.starts}`"
    return f" {'with' if when.present else 'without'} `{when.field}`"
