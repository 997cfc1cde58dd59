"""Running totals: what a request adds to which total, and the key that a total is kept under. Pure.

A total belongs to one rule of one policy. It adds up the actions that the policy's scope covers and that no test beside
it, in the same `all`, leaves out: see Candidates.counted.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from decimal import Context, Decimal, Inexact, InvalidOperation, Overflow
from typing import Any, Final

import msgspec
from msgspec.structs import replace

from tameflare.core.action import Action
from tameflare.core.policy import field_names
from tameflare.core.policy.model import Condition, Not, Test, Total, TotalBy

LARGEST: Final = Decimal(10) ** 18
"""Amounts are smaller than this, and have at most `PLACES` digits behind the point: so every sum is exact."""
PLACES: Final = 18
UNREADABLE: Final = Decimal("NaN")
"""In place of a sum where an action has no amount that could be added up; a rule that compares it is an error."""
NOTHING: Final = Decimal(0)
_EXACT: Final = Context(prec=80, traps=[Inexact, InvalidOperation, Overflow])


class Account(msgspec.Struct, frozen=True):
    """Whose action it is: ids of gateway and agent, and the connector's name."""

    gateway: str
    agent: str
    connector: str


def key(total: Total, account: Account) -> str:
    """What a total is kept under. With another window it is another total, which begins at nothing."""
    who = {
        TotalBy.AGENT: (account.gateway, account.agent),
        TotalBy.GATEWAY: (account.gateway,),
        TotalBy.CONNECTOR: (account.gateway, account.connector),
        TotalBy.ALL: (),
    }[total.by]
    return msgspec.json.encode((total.of, total.field, total.window, total.by, *who)).decode()


def owned(condition: Condition, of: str) -> Condition:
    """The same condition, its totals made those of the rule `of`."""
    if isinstance(condition, Test):
        total = condition.total
        return condition if total is None else replace(condition, total=replace(total, of=of))
    if isinstance(condition, Not):
        return Not(owned(condition.part, of))
    return type(condition)(tuple(owned(part, of) for part in condition.parts))


def amounts(actions: Sequence[Action], totals_of: Callable[[Action], Iterable[Total]]) -> dict[Total, Decimal]:
    """What a request that stands for `actions` adds to each total; UNREADABLE where that cannot be said of one of them.

    `totals_of` are the totals that an action counts for.
    """
    found: dict[Total, Decimal] = {}
    for action in actions:
        for total in totals_of(action):
            found[total] = add(found.get(total, NOTHING), amount(action, total.field))
    return found


def amount(action: Action, field: str) -> Decimal:
    """The number in a field such as `parameters.amount`; UNREADABLE where it is absent, no number, negative, or not to
    be added up exactly: whoever could send such a thing could make a total smaller, or stop it."""
    root, *path = field.split(".")
    value: Any = action.parameters if root == "parameters" else action.resource
    for name in path:
        clear = isinstance(value, Mapping) and not field_names.is_spelt_otherwise(value, name)
        value = value.get(name) if clear else None
    if type(value) not in (int, float, Decimal):
        return UNREADABLE
    return checked(Decimal(str(value)))


def checked(number: Decimal) -> Decimal:
    """The number itself where it can be added up, else UNREADABLE."""
    if not number.is_finite() or not 0 <= number < LARGEST:
        return UNREADABLE
    exponent = number.normalize(_EXACT).as_tuple().exponent
    assert isinstance(exponent, int)
    return number if exponent >= -PLACES else UNREADABLE


def add(first: Decimal, second: Decimal) -> Decimal:
    return UNREADABLE if first.is_nan() or second.is_nan() else _EXACT.add(first, second)


def subtract(first: Decimal, second: Decimal) -> Decimal:
    return _EXACT.subtract(first, second)


def text(number: Decimal) -> str:
    """As it is stored: digits and a point, no exponent."""
    return format(number, "f")
