"""Running totals: the one place that knows them, also where several proxies and servers ask at once.

A request reserves what it would count for before it is judged, so that whoever comes after it sees it. It counts until
it is known that it did not happen: refused, not sent, or refused by the upstream. What nobody can tell stays counted
until its window is over.

A decision of the API is taken in one transaction:

    needed = core.totals.amounts(actions, totals_of)       # empty: no rule that can match compares a total
    sums = totals.reserve(connection, totals.API, action_id, account, needed, now)
    decision = judge(…, Circumstances(…, totals=sums))
    if not what may happen: totals.release(connection, totals.API, action_id, now)

`totals.foresee` gives the sums for a dry run, and stores nothing; `totals.count` and `totals.release` end what was
reserved, once it is known how an action that the gateway carried out itself has ended.
"""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from typing import Final

from tameflare.control.services.context import Context
from tameflare.control.services.total_outcomes import Ending, endings
from tameflare.control.store import agents, proxies
from tameflare.control.store import totals as store
from tameflare.control.store.engine import Connection, Database
from tameflare.control.store.proxies import Proxy
from tameflare.control.store.totals import State
from tameflare.control.store.traffic import Delivery
from tameflare.core.policy.model import Total
from tameflare.core.totals import UNREADABLE, Account, add, checked, key, subtract
from tameflare.link.totals import Ask, Reserve, Sums

API: Final = "api"
"""Holds what actions of the decision API reserve."""
Amounts = Mapping[Total, Decimal]
Kept = Mapping[str, Decimal]
"""Totals by their keys."""


def reserve(connection: Connection, holder: str, request: str, account: Account, amounts: Amounts, now: int) -> Amounts:
    """Have a request count from now on, and say what each total comes to with it; UNREADABLE where its amount is.

    Asked again for the same request, the newest amounts are what it counts for, from now on. Once it was released, it
    gets no sums: empty.
    """
    readable = {key(total, account): (total, amount) for total, amount in amounts.items() if not amount.is_nan()}
    state = store.state_of(connection, holder, request)
    if state is State.RELEASED:
        return {}
    if readable and state is None:
        store.set_state(connection, holder, request, State.OPEN, now)
    others = _without(connection, holder, request, now) if state is not None else {}
    found = dict.fromkeys(amounts, UNREADABLE)
    for name, (total, amount) in readable.items():
        before = others[name] if name in others else store.current(connection, name, now)
        found[total] = add(before, amount)
        store.put(connection, holder, request, name, amount, now + total.window)
        store.set_sum(connection, name, found[total])
    return found


def _without(connection: Connection, holder: str, request: str, now: int) -> Kept:
    """Have a request count for nothing; the totals that it counted for, by their keys."""
    totals = {name: store.current(connection, name, now) for name in store.entries_of(connection, holder, request)}
    for name, own in store.entries_of(connection, holder, request).items():  # those that have not left the window
        totals[name] = subtract(totals[name], own)
        store.set_sum(connection, name, totals[name])
    store.drop(connection, holder, request)
    return totals


def foresee(connection: Connection, account: Account, amounts: Amounts, now: int) -> Amounts:
    """What each total would come to with these amounts; nothing is reserved."""
    return {
        total: UNREADABLE if amount.is_nan() else add(store.seen(connection, key(total, account), now), amount)
        for total, amount in amounts.items()
    }


def release(connection: Connection, holder: str, request: str, now: int) -> None:
    """It did not happen: it counts no more, and a reservation for it that is still on its way comes too late.

    What was found to have happened stays counted.
    """
    if store.state_of(connection, holder, request) is State.COUNTED:
        return
    _without(connection, holder, request, now)
    store.set_state(connection, holder, request, State.RELEASED, now)


def count(connection: Connection, holder: str, request: str, now: int) -> None:
    """It happened, or nobody can tell: it counts for good. Nothing where nothing was reserved, or was released."""
    if store.state_of(connection, holder, request) is State.OPEN:
        store.set_state(connection, holder, request, State.COUNTED, now)


class Totals:
    """What proxies ask, what their records tell, and the end of what is over."""

    def __init__(self, context: Context, database: Database) -> None:
        self._context = context
        self._database = database

    async def answer(self, proxy: Proxy, asked: Ask) -> Sums:
        """All of a message in one transaction."""

        def work(connection: Connection) -> Sums:
            now = self._context.now()
            for request in asked.release:
                release(connection, proxy.id, request, now)
            return Sums(tuple(_reserved(connection, proxy, each, now) for each in asked.reserve))

        return await self._database.write(work)

    async def take(self, delivery: Delivery) -> None:
        """Note how requests ended that records tell of. Called before the delivery is stored, and once more where that
        fails."""
        if not (delivery.rows.intents or delivery.rows.outcomes):
            return
        opened = await self._database.read(lambda connection: store.opened(connection, delivery.proxy))
        found = endings(delivery.rows, opened)
        if found:
            await self._database.write(lambda connection: self._note(connection, delivery.proxy, found))

    def _note(self, connection: Connection, holder: str, found: Mapping[str, Ending]) -> None:
        now = self._context.now()
        for request, ending in found.items():
            (count if ending is Ending.COUNTS else release)(connection, holder, request, now)

    async def prune(self) -> None:
        """Forget what is over. What has left a window counts no more in any case."""
        now = self._context.now()
        keys = await self._database.read(lambda connection: store.over(connection, now))
        await self._database.write(lambda connection: store.prune(connection, keys, now))


def _reserved(connection: Connection, proxy: Proxy, asked: Reserve, now: int) -> tuple[Decimal, ...] | None:
    account = asked.account
    agent = agents.by_id(connection, account.agent)
    served = proxy.serves_all or account.gateway in proxies.gateway_names(connection, proxy.id)
    if not served or agent is None or agent.gateway_id != account.gateway:
        return None
    amounts = {each.total: checked(each.amount) for each in asked.amounts}
    found = reserve(connection, proxy.id, asked.request_id, account, amounts, now)
    return tuple(found[each.total] for each in asked.amounts) if found else None
