"""An action that was asked for by name: which type of connector it belongs to, how grave it is, what it says twice.

A request by way of the proxy is named by its connector, which knows what its path and body say. Here somebody gives
the name and the fields himself, so that both roads are judged alike only if what vendors have in the path of a request
stands in the resource and in the parameters, whichever of the two it was given in.
"""

from __future__ import annotations

import re
from functools import cache
from typing import Any, Final, NamedTuple

from tameflare.connectors import mcp_names
from tameflare.connectors.faults import Unreadable
from tameflare.connectors.generic import weigh as weigh_method
from tameflare.connectors.registry import VENDORS
from tameflare.connectors.routes import Route
from tameflare.connectors.table import vendor_routes
from tameflare.core.action import Action, Effect, Risk

CUSTOM: Final = "custom"
"""The connector of whatever belongs to no other; it has no host, and is there by itself."""
_OTHERS: Final = {"http": "generic", "webhook": "webhook", "tunnel": "tunnel", "mcp": "mcp"}
_CAPTURE: Final = re.compile(r"\{(\w+)")
_SPELLINGS: Final = {"github": {"pr_number": "pull_number"}}
"""Names of parameters that are read as another."""
_RISKS: Final = tuple(Risk)
_EFFECTS: Final = (Effect.READ, Effect.WRITE, Effect.PUBLIC, Effect.DESTRUCTIVE, Effect.MONEY)


class Known(NamedTuple):
    """What is known of a type: how grave it is, and the fields that say what it is done to."""

    risk: Risk
    effect: Effect
    places: frozenset[str]


_NOWHERE: Final[frozenset[str]] = frozenset()
_OF_NO_TABLE: Final = Known(Risk.HIGH, Effect.WRITE, _NOWHERE)
_CUSTOM: Final = Known(Risk.MEDIUM, Effect.WRITE, _NOWHERE)
_AT: Final = frozenset({"host", "path"})


def connector_type(action_type: str) -> str:
    """The type of connector that an action type belongs to by its first segment."""
    first = action_type.partition(".")[0]
    return first if first in VENDORS else _OTHERS.get(first, CUSTOM)


def known(action_type: str) -> Known:
    """What no table of a known vendor names is as dangerous as any, since nobody knows what it does."""
    first, _, rest = action_type.partition(".")
    if first in VENDORS:
        return _table(first).get(action_type, _OF_NO_TABLE)
    if first in ("http", "webhook"):
        return Known(*weigh_method(rest.upper()), _AT)
    if first == "mcp":
        return _known_of_mcp(action_type)
    return _CUSTOM


def action(action_type: str, resource: dict[str, Any], parameters: dict[str, Any]) -> Action:
    """The action as it is judged and carried out. `contradictions` must have found nothing."""
    found = known(action_type)
    parameters = _spelt(action_type, parameters)
    resource = _spelt(action_type, resource)
    if found.places:
        at = {name: value for name, value in parameters.items() if name in found.places}
        parameters = {**{name: value for name, value in resource.items() if name in found.places}, **parameters}
        resource = {**at, **resource}
    if action_type.startswith(mcp_names.TOOLS) and action_type != mcp_names.LIST_TOOLS:
        resource = {**resource, "tool": mcp_names.tool_of(action_type)}
    return Action(action_type, resource, parameters, found.risk, found.effect)


def contradictions(action_type: str, resource: dict[str, Any], parameters: dict[str, Any]) -> list[tuple[str, str]]:
    """Fields that are given twice and differ: a path such as `parameters.repo`, and a sentence. A type that names what
    requests have under another one is such, too: rules about that one would not see it."""
    proper = _proper(action_type)
    if proper != action_type:
        return [("type", f"write it as `{proper}`" if proper else "no request has this name")]
    spellings = _SPELLINGS.get(action_type.partition(".")[0], {})
    faults = [
        (f"{where}.{name}", f"this is `{other}` in another spelling, and `{other}` is given as well")
        for where, fields in (("resource", resource), ("parameters", parameters))
        for name, other in spellings.items()
        if name in fields and other in fields
    ]
    resource, parameters = _spelt(action_type, resource), _spelt(action_type, parameters)
    return faults + [
        (f"parameters.{name}", f"this is not what `resource.{name}` says")
        for name in sorted(known(action_type).places & resource.keys() & parameters.keys())
        if not _same(resource[name], parameters[name])
    ]


def _proper(action_type: str) -> str:
    """The type that a request of this type is named by; empty where there is none."""
    try:
        if action_type.startswith(mcp_names.TOOLS) and action_type != mcp_names.LIST_TOOLS:
            return mcp_names.tool_type(mcp_names.tool_of(action_type))
        if action_type.startswith(mcp_names.RPC) and action_type != mcp_names.RESPONSE:
            return mcp_names.method_type(mcp_names.method_of(action_type))
    except Unreadable:
        return ""
    return action_type.lower() if action_type.partition(".")[0] in ("http", "webhook", "tunnel") else action_type


def raised(action: Action, hint: object) -> Action:
    """The action at the risk that its agent says it has, if that is higher; whatever else it says changes nothing."""
    if not isinstance(hint, str) or hint not in _RISKS or _RISKS.index(Risk(hint)) <= _RISKS.index(action.risk):
        return action
    return Action(action.type, action.resource, action.parameters, Risk(hint), action.effect)


def _spelt(action_type: str, fields: dict[str, Any]) -> dict[str, Any]:
    spellings = _SPELLINGS.get(action_type.partition(".")[0])
    if not spellings or not spellings.keys() & fields.keys():
        return fields
    return {spellings.get(name, name): value for name, value in fields.items()}


def _same(left: Any, right: Any) -> bool:
    return type(left) is type(right) and bool(left == right)


@cache
def _table(vendor: str) -> dict[str, Known]:
    found: dict[str, Known] = {}
    for route in vendor_routes(vendor).rows:
        found[route.type] = _gravest(found.get(route.type), route)
    return found


def _gravest(before: Known | None, route: Route) -> Known:
    """Of a type that several routes stand for, the worst of them."""
    places = frozenset(_CAPTURE.findall(route.path))
    if before is None:
        return Known(route.risk, route.effect, places)
    risk = max(before.risk, route.risk, key=_RISKS.index)
    return Known(risk, max(before.effect, route.effect, key=_EFFECTS.index), before.places | places)


def _known_of_mcp(action_type: str) -> Known:
    """What stands beside a tool's arguments is no argument, so that no field is in both places."""
    if action_type == mcp_names.LIST_TOOLS:
        return Known(Risk.LOW, Effect.READ, _NOWHERE)
    if action_type.startswith(mcp_names.RPC):
        return Known(*mcp_names.weigh(mcp_names.method_of(action_type)), _NOWHERE)
    return Known(Risk.MEDIUM, Effect.WRITE, _NOWHERE)
