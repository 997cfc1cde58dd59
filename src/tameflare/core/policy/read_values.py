"""What operators compare with, as it is written: each takes values of its own kind."""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Callable, Iterable
from decimal import Decimal
from typing import Any, Final, NamedTuple

from tameflare.core.action import Effect, Risk
from tameflare.core.errors import InvalidValue
from tameflare.core.policy import limits
from tameflare.core.policy.diagnostics import meant, quoted
from tameflare.core.policy.field_names import FIXED, NUMBERS
from tameflare.core.policy.form import said, sequence, text
from tameflare.core.policy.model import Operator, Total
from tameflare.core.policy.nodes import Faults, Node, Scalar, Sequence
from tameflare.core.policy.read_windows import window_of
from tameflare.core.policy.regex import compile_regex
from tameflare.core.policy.windows import WEEKDAYS

_CLOSED: Final[dict[str, frozenset[str]]] = {
    "risk": frozenset(Risk),
    "effect": frozenset(Effect),
    "time.weekday": frozenset(WEEKDAYS),
    "request.scheme": frozenset({"http", "https"}),
}
"""Fields that have one of a few values: to compare with another one is a mistake."""
_NAMES: Final = frozenset({"type", "agent.name", "gateway", "connector"})
"""Fields that never hold a `*`."""
_TEXTS: Final = frozenset(FIXED) - NUMBERS
_DATE: Final = "time.date"
_NUMERIC: Final = re.compile(r"[-+]?[0-9]+(?:[.,][0-9]+)*")
_DAY: Final = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")


class Subject(NamedTuple):
    """What is compared: a field, or a total."""

    field: str
    total: Total | None = None


def value_of(node: Node, operator: Operator, subject: Subject | None, faults: Faults) -> Any:
    """The value that an operator compares with; None where it is faulty, which was then told."""
    about = subject or Subject("")
    return _READERS[operator](node, operator, about, faults)


# --- single values ----------------------------------------------------------------------------------------------------


def _equal(node: Node, operator: Operator, about: Subject, faults: Faults) -> Any:
    if isinstance(node, Sequence):
        better = "in" if operator is Operator.EQUALS else "not_in"
        faults.add(node, f"`{operator.value}` compares with one value", f"write `{better}` for a list")
        return None
    return _single(node, about, faults)


def _single(node: Node, about: Subject, faults: Faults) -> Any:
    """Text, a number or a truth value, such as the field has."""
    if not isinstance(node, Scalar):
        faults.add(node, f"a value is {said(node)}", "write text, a number, `true` or `false`")
        return None
    if node.faulty:
        return None
    value = node.value
    if value is None:
        faults.add(node, "a value is empty", "write `not_exists` for what is missing or null, or quotes for no text")
    elif isinstance(value, str) and len(value) > limits.TEXT:
        faults.add(node, f"a value of {len(value)} characters", f"write at most {limits.TEXT}")
    else:
        return _fitting(node, value, about, faults)
    return None


def _fitting(node: Scalar, value: str | float | bool, about: Subject, faults: Faults) -> Any:
    number = isinstance(value, int | float) and not isinstance(value, bool)
    if about.total is not None:
        if not number:
            faults.add(node, f"a total is no {said(node).removeprefix('the ')}", "write a number")
        return Decimal(node.text) if number else None
    if about.field in NUMBERS and not number:
        faults.add(node, f"`{about.field}` is a number", f"write one without quotes, not {said(node)}")
    elif about.field in _TEXTS and not isinstance(value, str):
        faults.add(node, f"`{about.field}` is text", f'write `"{node.text}"` in quotes')
    elif about.field == _DATE and not _DAY.fullmatch(str(value)):
        faults.add(node, f"no date {quoted(value)}", "write it as `2026-11-22`")
    elif about.field in _NAMES and "*" in str(value):
        faults.add(node, f"`{about.field}` is never {quoted(value)}", "for a pattern write the operator `glob`")
    elif about.field in _CLOSED and value not in _CLOSED[about.field]:
        faults.add(node, f"`{about.field}` is never {quoted(value)}", meant(str(value), _CLOSED[about.field]))
    else:
        return value
    return None


def _part(node: Node, operator: Operator, about: Subject, faults: Faults) -> Any:
    if isinstance(node, Sequence):
        help_ = "put one condition for each into the list of an `any`, or of an `all`"
        faults.add(node, f"`{operator.value}` looks for one value", help_)
        return None
    return _single(node, Subject("", about.total), faults)


def _affix(node: Node, operator: Operator, about: Subject, faults: Faults) -> Any:
    if not _reads_text(node, operator, about, faults):
        return None
    return text(node, f"the value of `{operator.value}`", limits.TEXT, faults) or None


def _matches(node: Node, operator: Operator, about: Subject, faults: Faults) -> Any:
    if not _reads_text(node, operator, about, faults):
        return None
    pattern = text(node, "the value of `matches`", limits.PATTERN, faults)
    if not pattern:
        return None
    try:
        compile_regex(pattern)
    except InvalidValue as fault:
        faults.add(node, fault.message, fault.help)
        return None
    return pattern


def _reads_text(node: Node, operator: Operator, about: Subject, faults: Faults) -> bool:
    if about.total is not None:
        return False
    if about.field in NUMBERS:
        help_ = "compare it as a number"
        faults.add(node, f"`{about.field}` is a number, and `{operator.value}` reads text", help_)
        return False
    return True


# --- numbers ----------------------------------------------------------------------------------------------------------


def _ordered(node: Node, operator: Operator, about: Subject, faults: Faults) -> Any:
    """A number, or a text that is none, such as a date."""
    if about.total is None and about.field in _TEXTS and about.field != _DATE:
        faults.add(node, f"`{about.field}` has no order", "write `in` with the values that you mean")
        return None
    found = _single(node, about, faults)
    if isinstance(found, bool) or (isinstance(found, str) and _NUMERIC.fullmatch(found)):
        help_ = f"write `{found}` without quotes" if isinstance(found, str) else "write a number"
        faults.add(node, f"`{operator.value}` compares numbers, not {said(node)}", help_)
        return None
    return found


def _between(node: Node, operator: Operator, about: Subject, faults: Faults) -> Any:
    """Two ends, the lower one first; both count as between."""
    if not isinstance(node, Sequence) or len(node.items) != 2:
        faults.add(node, "`between` takes two ends", "write the lowest and the highest, as `[10, 99.5]`")
        return None
    low, high = (_ordered(item, operator, about, faults) for item in node.items)
    if low is None or high is None:
        return None
    if isinstance(low, str) != isinstance(high, str):
        faults.add(node, "`between` has a text and a number", "write two of a kind")
        return None
    if low > high:
        faults.add(node, f"nothing is between {low} and {high}", "write the lower one first")
        return None
    return low, high


# --- lists ------------------------------------------------------------------------------------------------------------


def _in(node: Node, operator: Operator, about: Subject, faults: Faults) -> Any:
    found = sequence(node, f"the value of `{operator.value}`", limits.VALUES, faults)
    return None if found is None else _all(_single(item, about, faults) for item in found.items)


def _cidr(node: Node, operator: Operator, about: Subject, faults: Faults) -> Any:
    """One network or several."""
    if not _reads_text(node, operator, about, faults):
        return None
    if isinstance(node, Scalar):
        return _all([_network(node, faults)])
    found = sequence(node, "the value of `cidr`", limits.VALUES, faults)
    return None if found is None else _all(_network(item, faults) for item in found.items)


def _network(node: Node, faults: Faults) -> str | None:
    written = text(node, "a network", limits.FIELD, faults)
    if not written:
        return None
    try:
        ipaddress.ip_network(written)
    except ValueError:
        faults.add(node, f"no network {quoted(written)}", _better_network(written))
        return None
    return written


def _better_network(written: str) -> str:
    try:
        better = ipaddress.ip_network(written, strict=False)
    except ValueError:
        return "write it as `10.0.0.0/8` or `2001:db8::/32`"
    return f"bits behind the mask are set; did you mean `{better}`?"


def _all(values: Iterable[Any]) -> tuple[Any, ...] | None:
    """The values, if none was faulty."""
    found = tuple(values)
    return None if None in found else found


def _window(node: Node, operator: Operator, about: Subject, faults: Faults) -> Any:  # noqa: ARG001 - as all of them
    return window_of(node, faults)


_READERS: Final[dict[Operator, Callable[[Node, Operator, Subject, Faults], Any]]] = {
    Operator.EQUALS: _equal,
    Operator.NOT_EQUALS: _equal,
    Operator.IN: _in,
    Operator.NOT_IN: _in,
    Operator.CONTAINS: _part,
    Operator.NOT_CONTAINS: _part,
    Operator.STARTS_WITH: _affix,
    Operator.ENDS_WITH: _affix,
    Operator.MATCHES: _matches,
    Operator.GREATER_THAN: _ordered,
    Operator.GREATER_THAN_OR_EQUAL: _ordered,
    Operator.LESS_THAN: _ordered,
    Operator.LESS_THAN_OR_EQUAL: _ordered,
    Operator.BETWEEN: _between,
    Operator.GLOB: _affix,
    Operator.CIDR: _cidr,
    Operator.TIME_BETWEEN: _window,
}
