"""What a field of a condition is in the facts of one action.

A value that was read is text, a number, true or false, a list or a mapping, and nothing else; what is not there, or
null, is ABSENT; what is there and means nothing (a number that is none, a name below a text) is UNREADABLE, and so is
what stands, too, under a name that differs only in case.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime, tzinfo
from decimal import Decimal
from enum import Enum
from math import isfinite
from typing import Any, Final

from tameflare.core.action import Action
from tameflare.core.errors import InvalidValue
from tameflare.core.policy import field_names
from tameflare.core.policy.facts import Circumstances, Facts, RequestFacts
from tameflare.core.policy.model import Total
from tameflare.core.policy.windows import WEEKDAYS


class Lack(Enum):
    """Why there is no value. A type of its own, so that no value of an agent's is ever equal to one."""

    ABSENT = "absent"
    UNREADABLE = "unreadable"


ABSENT: Final = Lack.ABSENT
UNREADABLE: Final = Lack.UNREADABLE
NOW: Final = field_names.CLOCK
"""The key of the moment in the installation's time zone."""
_LONGEST_INDEX: Final = 9
_UNITS: Final = ((86_400, "d"), (3_600, "h"), (60, "m"), (1, "s"))
_PLAIN: Final = frozenset({str, bool, int, list, dict})

Reader = Callable[[Facts], Any]
NO_FACTS: Final = Facts(Action(""), "", "", "", "", "", Circumstances(0.0))


class Seen(dict[str, Any]):
    """The fields of one action, each read when it is first asked for."""

    __slots__ = ("facts", "readers")

    def __init__(self, facts: Facts, readers: Mapping[str, Reader]) -> None:
        self.facts = facts
        self.readers = readers

    def __missing__(self, key: str) -> Any:
        value = self[key] = self.readers[key](self.facts)
        return value


def reader(field: str, zone: tzinfo | None) -> Reader:
    """How to read `field`; times in `zone`, None: an unknown one, and times are unreadable. Raises InvalidValue."""
    root, _, rest = field.partition(".")
    if root in field_names.OPEN and rest and "" not in rest.split("."):
        return _open(root, rest.split("."))
    if field == NOW:
        return lambda facts: _moment(facts, zone)
    if root == field_names.CLOCK and field in field_names.FIXED:
        return lambda facts: _of_moment(_moment(facts, zone), rest)
    if field in _FIXED:
        return _FIXED[field]
    if root == "request" and field in field_names.FIXED:
        return lambda facts: _of_request(facts.circumstances.request, rest)
    raise InvalidValue(f"there is no field `{field}`", "docs/reference/policies.md has all of them")


def settle(value: Any) -> Any:
    """A value as conditions know it; not what is inside it."""
    kind = type(value)
    if kind in _PLAIN:
        return value
    if value is None:
        return ABSENT
    if kind is float:
        return value if isfinite(value) else UNREADABLE
    if kind is Decimal:
        return value if value.is_finite() else UNREADABLE
    return UNREADABLE


def total_key(total: Total) -> str:
    """The key of a running total, as people read it."""
    of = f" of {total.of}" if total.of else ""
    return f"total({total.field}, window: {_span(total.window)}, by: {total.by.value}){of}"


def _span(seconds: int) -> str:
    """As policies write it: in the largest unit that leaves no rest."""
    unit, letter = next((unit, letter) for unit, letter in _UNITS if seconds % unit == 0)
    return f"{seconds // unit}{letter}"


def total_reader(total: Total) -> Reader:
    def read(facts: Facts) -> Any:
        totals = facts.circumstances.totals
        found = None if totals is None else totals.get(total)
        return UNREADABLE if found is None else settle(found)

    return read


def _open(root: str, path: Sequence[str]) -> Reader:
    if len(path) > 1:
        return _below(_ROOTS[root], path)
    mapping, name = _ROOTS[root], path[0]
    return _parameter(name) if root == "parameters" else lambda facts: settle(mapping(facts).get(name))


def _parameter(name: str) -> Reader:
    """Some servers read names without regard to case: where another name differs in nothing else, nobody can tell."""
    folded = name.casefold()

    def read(facts: Facts) -> Any:
        if facts.names.get(folded, name) != name:
            return UNREADABLE
        value = facts.action.parameters.get(name)
        return value if type(value) in _PLAIN else settle(value)

    return read


def _below(mapping: Reader, path: Sequence[str]) -> Reader:
    def read(facts: Facts) -> Any:
        value = mapping(facts)
        for name in path:
            value = _entry(value, name)
            if value is ABSENT or value is UNREADABLE:
                return value
        return settle(value)

    return read


def _entry(value: Any, name: str) -> Any:
    """What has this name in a mapping, or this place, from 0, in a list."""
    if isinstance(value, Mapping):
        return UNREADABLE if field_names.is_spelt_otherwise(value, name) else value.get(name, ABSENT)
    if value is None:
        return ABSENT
    if type(value) is not list or not (name.isascii() and name.isdigit() and len(name) <= _LONGEST_INDEX):
        return UNREADABLE
    place = int(name)
    return value[place] if place < len(value) else ABSENT


def _moment(facts: Facts, zone: tzinfo | None) -> Any:
    if zone is None:
        return UNREADABLE
    try:
        return datetime.fromtimestamp(facts.circumstances.time, zone)
    except (OverflowError, OSError, ValueError):
        return UNREADABLE


def _of_moment(moment: Any, part: str) -> Any:
    if moment is UNREADABLE:
        return UNREADABLE
    if part == "weekday":
        return WEEKDAYS[moment.weekday()]
    if part == "date":
        return moment.date().isoformat()
    return getattr(moment, part)


def _of_request(request: RequestFacts | None, part: str) -> Any:
    """What a request does not have is absent: its query, its content type, its user agent."""
    value = None if request is None else getattr(request, part)
    return ABSENT if value is None or value == "" else settle(value)


_ROOTS: Final[Mapping[str, Reader]] = {
    "parameters": lambda facts: facts.action.parameters,
    "resource": lambda facts: facts.action.resource,
    "risk_hints": lambda facts: facts.circumstances.risk_hints,
}
_FIXED: Final[Mapping[str, Reader]] = {
    "type": lambda facts: facts.action.type,
    "risk": lambda facts: facts.action.risk.value,
    "effect": lambda facts: facts.action.effect.value,
    "gateway": lambda facts: facts.gateway,
    "connector": lambda facts: facts.connector,
    "agent.id": lambda facts: facts.agent_id,
    "agent.name": lambda facts: facts.agent_name,
    "agent.environment": lambda facts: facts.environment,
}
