"""Running totals: what requests count for, and the sum of each total, which is kept so that nobody adds up again.

What has left a total's window is taken out whenever the total is touched, and by `prune` where it is not.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from decimal import Decimal
from enum import StrEnum
from typing import Final

from sqlalchemy import Connection, delete, select, text

from tameflare.control.store.totals_schema import total_entries as entries
from tameflare.control.store.totals_schema import total_requests as requests
from tameflare.control.store.totals_schema import total_sums as sums
from tameflare.core.totals import NOTHING, add, subtract
from tameflare.core.totals import text as plain


class State(StrEnum):
    """OPEN: nobody knows yet how it ends, and it counts. COUNTED: it counts for good. RELEASED: it counts no more, and
    whatever is still on its way to reserve for it comes too late."""

    OPEN = "open"
    COUNTED = "counted"
    RELEASED = "released"


_REMEMBERED: Final = 3600
"""Seconds for which it is known that something was released."""

# Written out: these are asked for every request that counts, and SQLAlchemy would put them together each time.
_REQUEST: Final = "holder = :holder AND request = :request"
_STATE: Final = text(f"SELECT state FROM total_requests WHERE {_REQUEST}")  # noqa: S608 - made of constants, as below
_SET_STATE: Final = text(
    "INSERT INTO total_requests (holder, request, state, changed_at) VALUES (:holder, :request, :state, :now)"
    " ON CONFLICT (holder, request) DO UPDATE SET state = excluded.state, changed_at = excluded.changed_at"
)
_ENTRIES: Final = text(f"SELECT key, amount FROM total_entries WHERE {_REQUEST}")  # noqa: S608
_PUT: Final = text(
    "INSERT INTO total_entries (holder, request, key, amount, ends) VALUES (:holder, :request, :key, :amount, :ends)"
    " ON CONFLICT (holder, request, key) DO UPDATE SET amount = excluded.amount, ends = excluded.ends"
)
_DROP: Final = text(f"DELETE FROM total_entries WHERE {_REQUEST}")  # noqa: S608
_OVER: Final = text("DELETE FROM total_entries WHERE key = :key AND ends <= :now RETURNING amount")
_SUM: Final = text("SELECT amount FROM total_sums WHERE key = :key")
_SET_SUM: Final = text(
    "INSERT INTO total_sums (key, amount) VALUES (:key, :amount)"
    " ON CONFLICT (key) DO UPDATE SET amount = excluded.amount"
)


# --- requests ---------------------------------------------------------------------------------------------------------


def state_of(connection: Connection, holder: str, request: str) -> State | None:
    found: str | None = connection.scalar(_STATE, {"holder": holder, "request": request})
    return None if found is None else State(found)


def set_state(connection: Connection, holder: str, request: str, state: State, now: int) -> None:
    connection.execute(_SET_STATE, {"holder": holder, "request": request, "state": state.value, "now": now})


def opened(connection: Connection, holder: str) -> frozenset[str]:
    """The requests of a holder of which it is not known how they ended."""
    wanted = (requests.c.state == State.OPEN.value) & (requests.c.holder == holder)
    return frozenset(connection.execute(select(requests.c.request).where(wanted)).scalars())


# --- what they count for ----------------------------------------------------------------------------------------------


def entries_of(connection: Connection, holder: str, request: str) -> Mapping[str, Decimal]:
    """What a request counts for, by key."""
    found = connection.execute(_ENTRIES, {"holder": holder, "request": request})
    return {row[0]: Decimal(row[1]) for row in found}


def put(connection: Connection, holder: str, request: str, key: str, amount: Decimal, ends: int) -> None:
    """Have a request count for a total. The sum is not touched."""
    values = {"holder": holder, "request": request, "key": key, "amount": plain(amount), "ends": ends}
    connection.execute(_PUT, values)


def drop(connection: Connection, holder: str, request: str) -> None:
    """Have a request count no more. The sums are not touched."""
    connection.execute(_DROP, {"holder": holder, "request": request})


def current(connection: Connection, key: str, now: int) -> Decimal:
    """The sum of what is inside the window, once what has left it is taken out."""
    gone = [Decimal(amount) for amount in connection.execute(_OVER, {"key": key, "now": now}).scalars()]
    stored = connection.scalar(_SUM, {"key": key})
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
    connection.execute(_SET_SUM, {"key": key, "amount": plain(amount)})


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
