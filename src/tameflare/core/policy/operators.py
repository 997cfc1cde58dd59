"""What a test of a policy checks: its field's key, how that is read, and the check."""

from __future__ import annotations

import operator
from collections.abc import Callable
from datetime import tzinfo
from functools import partial
from typing import Any, Final, NamedTuple

from tameflare.core.errors import InvalidValue
from tameflare.core.policy import field_names
from tameflare.core.policy.conditions import containing, equality, networks, ordering, presence, texts, times
from tameflare.core.policy.conditions.kinds import NUMBERS
from tameflare.core.policy.fields import NOW, Lack, Reader, reader, settle, total_key, total_reader
from tameflare.core.policy.model import Operator, Test
from tameflare.core.policy.truth import Check, negated
from tameflare.core.policy.windows import Window

Builder = Callable[[str, Any], Check]


class Probe(NamedTuple):
    """A test, compiled. `key` is what it asks of Seen, `read` how that is found there."""

    key: str
    read: Reader
    check: Check


def probe(test: Test, zone: tzinfo | None) -> Probe:
    """Raises InvalidValue where a test means nothing."""
    if test.operator is Operator.TIME_BETWEEN:
        return _time_probe(test, zone)
    key = test.field if test.total is None else total_key(test.total)
    read = reader(key, zone) if test.total is None else total_reader(test.total)
    _check_value(test)
    return Probe(key, read, _BUILDERS[test.operator](key, test.value))


def _time_probe(test: Test, zone: tzinfo | None) -> Probe:
    if test.field not in ("", field_names.CLOCK) or test.total is not None or not isinstance(test.value, Window):
        raise InvalidValue("`time_between` compares the time with a window", "leave `field` out")
    return Probe(NOW, reader(NOW, zone), times.time_between(test.value))


def _check_value(test: Test) -> None:
    asked, wanted, name = test.operator, test.value, test.operator.value
    if asked in _NO_VALUE:
        if test.total is not None:
            raise InvalidValue(f"`{name}` says nothing of a total", "compare its amount")
        return
    several = isinstance(wanted, list | tuple)
    if asked in _LISTS if not several else asked not in (*_LISTS, Operator.CIDR):
        raise InvalidValue(f"`{name}` compares with {'one value' if several else 'a list'}")
    values = wanted if several else (wanted,)
    if not values or (asked is Operator.BETWEEN and len(values) != 2):
        raise InvalidValue(f"`{name}` compares with {'two ends' if values else 'something'}")
    if not all(type(each) in (_TEXT if asked in _TEXTS else _SCALARS) and _is_value(each) for each in values):
        raise InvalidValue(f"`{name}` cannot compare with this", "write text, or where it has a meaning a number")


def _is_value(written: Any) -> bool:
    return not isinstance(settle(written), Lack)


_TEXT: Final = frozenset({str})
_SCALARS: Final = NUMBERS | {str, bool}
_NO_VALUE: Final = frozenset({Operator.EXISTS, Operator.NOT_EXISTS})
_LISTS: Final = frozenset({Operator.IN, Operator.NOT_IN, Operator.BETWEEN})
_TEXTS: Final = frozenset(
    {Operator.STARTS_WITH, Operator.ENDS_WITH, Operator.MATCHES, Operator.GLOB, Operator.CIDR},
)
_BUILDERS: Final[dict[Operator, Builder]] = {
    Operator.EQUALS: equality.equals,
    Operator.NOT_EQUALS: equality.not_equals,
    Operator.IN: equality.is_in,
    Operator.NOT_IN: equality.not_in,
    Operator.CONTAINS: containing.contains,
    Operator.NOT_CONTAINS: lambda key, wanted: negated(containing.contains(key, wanted)),
    Operator.STARTS_WITH: texts.starts_with,
    Operator.ENDS_WITH: texts.ends_with,
    Operator.MATCHES: texts.matches,
    Operator.GREATER_THAN: partial(ordering.ordered, operator.gt),
    Operator.GREATER_THAN_OR_EQUAL: partial(ordering.ordered, operator.ge),
    Operator.LESS_THAN: partial(ordering.ordered, operator.lt),
    Operator.LESS_THAN_OR_EQUAL: partial(ordering.ordered, operator.le),
    Operator.EXISTS: lambda key, _: presence.exists(key),
    Operator.NOT_EXISTS: lambda key, _: negated(presence.exists(key)),
    Operator.BETWEEN: ordering.between,
    Operator.GLOB: texts.glob,
    Operator.CIDR: networks.cidr,
}
