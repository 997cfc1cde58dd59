"""From a leaf of the trie and a request's fields to the actions that the request is."""

from __future__ import annotations

from typing import Any, Final

from tameflare.connectors.faults import Unreadable
from tameflare.connectors.fields import Fields
from tameflare.connectors.request import HttpRequest
from tameflare.connectors.routes import Route
from tameflare.connectors.trie import Leaf
from tameflare.core.action import Action, Effect, Risk

UNKNOWN: Final = "unknown"


def action(route: Route, captured: Fields, fields: Fields) -> Action:
    """What is captured from the path wins over fields of the same name."""
    parameters = {**fields, **captured} if fields else captured
    return Action(route.type, captured, parameters, route.risk, route.effect)


def unknown(vendor: str, request: HttpRequest) -> tuple[Action, ...]:
    """A route that no table names: as dangerous as any, since nobody knows what it does."""
    resource = {"host": request.host, "path": request.path}
    action_type = f"{vendor}.{UNKNOWN}.{verb(request.method)}"
    return (Action(action_type, resource, dict(resource), Risk.HIGH, Effect.WRITE),)


def verb(method: str) -> str:
    """The last word of an action that is named by the method alone."""
    return method.lower() if method.isascii() and method.isalnum() else "other"


def discriminate(leaf: Leaf, fields: Fields) -> list[Route]:
    """The routes among siblings that hold for these fields; empty where the vendor's table has none."""
    holding = [route for route in leaf.routes if route.when is not None and route.when.holds(fields)]
    for route in leaf.routes:
        if route.when is None and (not holding or _does_more(route, fields)):
            holding.append(route)
    return holding


def _does_more(route: Route, fields: Fields) -> bool:
    return bool(route.beside) and any(name not in route.beside for name in fields)


def merge(query: Fields, body: Fields) -> Fields:
    """Fields of query and body together. Raises Unreadable where they disagree."""
    for name in query.keys() & body.keys():
        if not _same(query[name], body[name]):
            raise Unreadable(f"the field `{name}` is sent in the query and, otherwise, in the body")
    return {**query, **body}


def _same(left: Any, right: Any) -> bool:
    return type(left) is type(right) and bool(left == right)
