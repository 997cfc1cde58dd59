"""From an action back to the request that does it."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Any, Final
from urllib.parse import quote

import msgspec

from tameflare.connectors.base import HttpCall
from tameflare.connectors.bodies import FORM
from tameflare.connectors.fields import Fields, encode
from tameflare.connectors.routes import UPLOADS, BodyKind, Route
from tameflare.core.action import Action
from tameflare.core.errors import InvalidValue

_CAPTURE: Final = re.compile(r"\{(\w+)(:int|:any|\+)?\}")
_UNCLEAN: Final = re.compile(r"(?:^|/)\.{0,2}(?:/|$)|[\x00-\x1f\x7f\\;]")


def choose(routes: Iterable[Route], action: Action) -> Route:
    """Of the routes of this type the one whose path holds most of what the parameters say. Raises InvalidValue, also
    where one of them would be left that stands in the path of another: what was asked for is done there or not at all.
    """
    named = [route for route in routes if route.type == action.type]
    if not named:
        raise InvalidValue(f"no route is known for the action `{action.type}`")
    fitting = [route for route in named if all(name in action.parameters for name in _names(route))]
    if not fitting:
        missing = ", ".join(f"`{name}`" for name in _names(named[0]) if name not in action.parameters)
        raise InvalidValue(f"the action `{action.type}` lacks {missing}", "add it to the parameters")
    chosen = max(fitting, key=lambda route: len(_names(route)))
    elsewhere = {name for route in named for name in _names(route)}.difference(_names(chosen))
    if beside := sorted(elsewhere & action.parameters.keys()):
        names = ", ".join(f"`{name}`" for name in beside)
        raise InvalidValue(f"no request for `{action.type}` has {names} beside the rest", "leave it out")
    return chosen


def _names(route: Route) -> list[str]:
    return [match.group(1) for match in _CAPTURE.finditer(route.path)]


def build(route: Route, parameters: Fields, host: str, prefix: str = "") -> HttpCall:
    """Fill the route's path, query and body. Raises InvalidValue for values that cannot stand in the path."""
    path = _CAPTURE.sub(lambda match: _segment(parameters[match.group(1)], match.group(2)), route.path)
    left = {name: value for name, value in parameters.items() if name not in set(_names(route))}
    if route.when is not None:
        left = _fulfil(route, left)
    method = route.methods[0]
    kind = route.body_kind
    if kind is BodyKind.NONE or kind in UPLOADS:
        return HttpCall(method, host, prefix + path, encode(left), lacks_file=kind in UPLOADS)
    in_query = {entry.partition(":")[0].partition(".")[0] for entry in route.query.split()}
    if route.when is not None and route.when.in_query:
        in_query.add(route.when.field)
    query = encode({name: value for name, value in left.items() if name in in_query})
    content_type, body = _body(kind, {name: value for name, value in left.items() if name not in in_query})
    return HttpCall(method, host, prefix + path, query, (), content_type, body)


def _fulfil(route: Route, fields: Fields) -> Fields:
    """Set the field by which the route is told from its siblings, and check that it then holds."""
    when = route.when
    assert when is not None
    filled = {**fields, when.field: when.equals} if when.equals and when.field not in fields else fields
    if not when.holds(filled):
        raise InvalidValue(f"the field `{when.field}` does not fit the action `{route.type}`")
    return filled


def _segment(value: Any, kind: str | None) -> str:
    """A value as it stands in the path; only `any` and the rest may hold slashes, and never dot segments."""
    text = str(value)
    fits = text.isascii() and text.isdigit() if kind == ":int" else kind is not None or "/" not in text
    if not fits or _UNCLEAN.search(text):
        raise InvalidValue(f"`{text[:64]}` cannot stand in a path")
    return quote(text, safe="/" if kind == "+" else "")


def _body(kind: BodyKind, fields: Fields) -> tuple[str, bytes]:
    if kind is BodyKind.FORM:
        return FORM, encode(fields).encode()
    return "application/json", msgspec.json.encode(fields)
