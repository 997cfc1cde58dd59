"""What is left in a record of a request, as a policy can look at it.

A record holds few of the parameters: what stands in the path or query, and those on the connector's `record` list. The
others are UNKNOWN, which no condition can compare, so that a rule which needs one is an error and its verdict told as
one that cannot be told.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from functools import cache
from typing import Any, Final

from tameflare.connectors import registry
from tameflare.connectors.base import BodySays, Connector
from tameflare.connectors.fields import Schema, convert, schema
from tameflare.connectors.request import HttpRequest
from tameflare.connectors.table import vendor_routes
from tameflare.core.action import Action, Effect, Risk
from tameflare.core.config import ConnectorConfig
from tameflare.core.errors import InvalidValue
from tameflare.core.policy.facts import RequestFacts
from tameflare.core.redact import LONGEST_PATH
from tameflare.core.secret import MASK
from tameflare.link.messages import RecordedAction

UNKNOWN: Final = object()
"""A value that the record does not hold; none of a type that conditions know."""
CUT: Final = 256
"""Texts of this length were cut when they were recorded."""
_WORDS: Final[Mapping[str, Any]] = {"True": True, "False": False, "None": None}


class Partial(dict[str, Any]):
    """Fields of which only some are known: those that it holds, and those that are known to be `absent`."""

    def __init__(self, known: Mapping[str, Any], absent: frozenset[str] = frozenset()) -> None:
        super().__init__(known)
        self._absent = absent

    def get(self, name: str, default: Any = None) -> Any:
        try:
            return self[name]
        except KeyError:
            return default if name in self._absent else UNKNOWN


class Reader:
    """Reads the records of one configuration, oldest first: a parameter that a connector was seen to record is known to
    be absent where a later record lacks it."""

    def __init__(self) -> None:
        self._connectors: dict[str, Connector | None] = {}
        self._recorded: defaultdict[str, set[str]] = defaultdict(set)

    def actions(
        self, row: Mapping[str, Any], recorded: tuple[RecordedAction, ...], config: ConnectorConfig
    ) -> list[Action]:
        """The actions of a record, as far as it tells."""
        named = self._named(row, config)
        listed = self._recorded[config.id]
        listed.update(*(action.parameters for action in recorded))
        absent = frozenset(listed & set(config.record))
        return [_action(action, *named.get(action.type, (UNTOLD, {}, False)), absent) for action in recorded]

    def _named(self, row: Mapping[str, Any], config: ConnectorConfig) -> dict[str, tuple[Any, dict[str, Any], bool]]:
        """By type of action: the resource, the parameters from path and query, and whether there are no others."""
        connector = self._connector(config)
        path, _, query = row["path"].partition("?")
        if connector is None or len(row["path"]) >= LONGEST_PATH:
            return {}
        request = HttpRequest(row["method"], row["scheme"], row["host"], row["port"], path, query)
        found = connector.classify(request)
        whole = not found.needs_body and connector.body_says(request) is BodySays.NOTHING
        return {each.type: (_unmasked(each.resource), _unmasked(each.parameters), whole) for each in found.actions}

    def _connector(self, config: ConnectorConfig) -> Connector | None:
        if config.id not in self._connectors:
            try:
                self._connectors[config.id] = registry.create(config)
            except InvalidValue:
                self._connectors[config.id] = None
        return self._connectors[config.id]


UNTOLD: Final = Partial({})


def request_facts(row: Mapping[str, Any]) -> RequestFacts:
    path, _, query = row["path"].partition("?")
    known: Any = UNKNOWN if MASK in query or len(row["path"]) >= LONGEST_PATH else query
    described: list[Any] = [text if len(text) < CUT else UNKNOWN for text in (row["content_type"], row["user_agent"])]
    return RequestFacts(row["method"], row["scheme"], row["host"], row["port"], path, known, *described)


def _action(
    recorded: RecordedAction, resource: dict[str, Any], seen: dict[str, Any], whole: bool, absent: frozenset[str]
) -> Action:
    types = _types(recorded.type)
    told = {name: _value(text, types.get(name)) for name, text in recorded.parameters.items()}
    known = {**told, **seen}
    parameters = known if whole else Partial(known, absent)
    return Action(recorded.type, resource, parameters, Risk(recorded.risk), Effect(recorded.effect))


def _unmasked(fields: dict[str, Any]) -> dict[str, Any]:
    return {name: UNKNOWN if MASK in str(value) else value for name, value in fields.items()}


def _value(text: str, typed: Schema | None) -> Any:
    """A recorded text as the value that it was: as the vendor's table types it, else as what it looks like."""
    if len(text) >= CUT or MASK in text or text[:1] in ("[", "{"):
        return UNKNOWN
    if text in _WORDS:
        return _WORDS[text]
    spec = typed if typed is not None else _ANY_NUMBER
    return convert({"value": text}, {"value": spec})["value"]


_ANY_NUMBER: Final = schema("value:number")["value"]


@cache
def _types(action_type: str) -> Schema:
    """Types of the parameters that a vendor's table knows; empty for what is in none."""
    vendor = action_type.partition(".")[0]
    routes = vendor_routes(vendor).rows if vendor in registry.VENDORS else ()
    found: Schema = {}
    for route in routes:
        if route.type == action_type:
            names = [entry.partition(":")[0].partition(".")[0] for entry in f"{route.fields} {route.query}".split()]
            found.update(dict.fromkeys(names, schema("value:str")["value"]))
            found.update(schema(f"{route.fields} {route.query}"))
    return found
