"""Running totals: what requests count for, and the sum of each total, which is kept so that nobody adds up again.

What has left a total's window is taken out whenever the total is touched, and by `prune` where it is not.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from decimal import Decimal
from enum import StrEnum
from typing import Final

from sqlalchemy import ColumnElement, Connection, Table, delete, select

from tameflare.control.store import upsert
from tameflare.control.store.totals_schema import total_entries as entries
from tameflare.control.store.totals_schema import total_requests as requests
from tameflare.control.store.totals_schema import total_sums as sums
from tameflare.core.totals import NOTHING, add, subtract, text


class State(StrEnum):
    """OPEN: nobody knows yet how it ends, and it counts. COUNTED: it counts for good. RELEASED: it counts no more, and
    whatever is still on its way to reserve for it comes too late."""

    OPEN = "open"
    COUNTED = "counted"
    RELEASED = "released"


_REMEMBERED: Final = 3600
"""Seconds for which it is known that something was released."""


def _is(table: Table, holder: str, request: str) -> ColumnElement[bool]:
    return (table.c.holder == holder) & (table.c.request == request)


# --- requests ---------------------------------------------------------------------------------------------------------


def state_of(connection: Connection, holder: str, request: str) -> State | None:
    found: str | None = connection.scalar(select(requests.c.state).where(_is(requests, holder, request)))
    return None if found is None else State(found)


def set_state(connection: Connection, holder: str, request: str, state: State, now: int) -> None:
    said = {"state": state.value, "changed_at": now}
    statement = upsert.insert(connection, requests).values(holder=holder, request=request, **said)
    connection.execute(statement.on_conflict_do_update(index_elements=["holder", "request"], set_=said))


def opened(connection: Connection, holder: str) -> frozenset[str]:
    """The requests of a holder of which it is not known how they ended."""
    wanted = (requests.c.state == State.OPEN.value) & (requests.c.holder == holder)
    return frozenset(connection.execute(select(requests.c.request).where(wanted)).scalars())


# --- what they count for ----------------------------------------------------------------------------------------------


def entries_of(connection: Connection, holder: str, request: str) -> Mapping[str, Decimal]:
    """What a request counts for, by key."""
    query = select(entries.c.key, entries.c.amount).where(_is(entries, holder, request))
    return {row[0]: Decimal(row[1]) for row in connection.execute(query)}


def put(connection: Connection, holder: str, request: str, key: str, amount: Decimal, ends: int) -> None:
    """Have a request count for a total. The sum is not touched."""
    said = {"amount": text(amount), "ends": ends}
    statement = upsert.insert(connection, entries).values(holder=holder, request=request, key=key, **said)
    connection.execute(statement.on_conflict_do_update(index_elements=["holder", "request", "key"], set_=said))


def drop(connection: Connection, holder: str, request: str) -> None:
    """Have a request count no more. The sums are not touched."""
    connection.execute(delete(entries).where(_is(entries, holder, request)))


def current(connection: Connection, key: str, now: int) -> Decimal:
    """The sum of what is inside the window, once what has left it is taken out."""
    over = delete(entries).where((entries.c.key == key) & (entries.c.ends <= now)).returning(entries.c.amount)
    gone = [Decimal(amount) for amount in connection.execute(over).scalars()]
    stored = connection.scalar(select(sums.c.amount).where(sums.c.key == key))
    total = NOTHING if stored is None else Decimal(stored)
    if gone:
        for amount in gone:
            total = subtract(total, amount)
        set_sum(connection, key, total)
    return total


def seen(connection: Connection, key: str, now: int) -> Decimal:
    """As `current`, and changes nothing."""
    query = select(entries.c.amount).where((entries.c.key == key) & (entries.c.ends > now))
    total = NOTHING
    for amount in connection.execute(query).scalars():
        total = add(total, Decimal(amount))
    return total


def set_sum(connection: Connection, key: str, amount: Decimal) -> None:
    said = {"amount": text(amount)}
    statement = upsert.insert(connection, sums).values(key=key, **said)
    connection.execute(statement.on_conflict_do_update(index_elements=["key"], set_=said))


# --- what is over -----------------------------------------------------------------------------------------------------


def over(connection: Connection, now: int) -> list[str]:
    """Keys of totals that something has left the window of."""
    query = select(entries.c.key).where(entries.c.ends <= now).group_by(entries.c.key).order_by(entries.c.key)
    return list(connection.execute(query).scalars())


def prune(connection: Connection, keys: Iterable[str], now: int) -> None:
    """Take out of these totals what has left their window, and forget requests that no longer count for anything."""
    for key in keys:
        current(connection, key, now)
    left = select(entries.c.key).where(entries.c.key == sums.c.key).exists()
    connection.execute(delete(sums).where(~left))
    counts = (
        select(entries.c.key)
        .where((entries.c.holder == requests.c.holder) & (entries.c.request == requests.c.request))
        .exists()
    )
    old = requests.c.changed_at < now - _REMEMBERED
    connection.execute(delete(requests).where(old & ~counts))
