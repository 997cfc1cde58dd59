"""Running totals, as the proxy asks for them: what a request would count for is reserved before it is judged.

One message to the control plane is under way at a time, and what is asked meanwhile goes with the next. So this proxy
has always said what it refused before it asks again, and where several requests were reserved for at once, those that
were refused are taken out of the sums of those behind them: nothing is refused because of what this proxy refused
itself.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from decimal import Decimal
from typing import Final, NamedTuple, Protocol

from tameflare.core.policy.model import Total
from tameflare.core.totals import NOTHING, UNREADABLE, Account, add, key, subtract
from tameflare.link.totals import MOST, Amount, Ask, Reserve, Sums
from tameflare.proxy.exchange import Exchange

Found = Mapping[Total, Decimal]
Reply = Callable[[Found], None]
"""Takes the sums; empty where the control plane did not tell them."""

UNKNOWN: Final[Found] = {}
MOST_RELEASED: Final = 10_000
"""So many requests are taken back later, while the control plane is away; records tell of all of them."""


class Asking(Protocol):
    """The way to the control plane. The reply comes later, once, never from within the call; None: there was none."""

    def totals(self, question: Ask, reply: Callable[[Sums | None], None]) -> None: ...


class _Wish(NamedTuple):
    request_id: str
    account: Account
    amounts: Found
    reply: Reply

    @property
    def message(self) -> Reserve:
        found = tuple(Amount(total, amount) for total, amount in self.amounts.items())
        return Reserve(self.request_id, self.account, found)


class Totals:
    def __init__(self, asking: Asking) -> None:
        self._asking = asking
        self._wishes: dict[str, _Wish] = {}
        self._released: dict[str, None] = {}
        self._under_way: tuple[list[_Wish], list[str]] | None = None
        self._failing = False

    def reserve(self, request_id: str, account: Account, amounts: Found, reply: Reply) -> None:
        """Have a request count; asked again it replaces what it counted for."""
        self._wishes[request_id] = _Wish(request_id, account, amounts, reply)
        self._go_on()

    def release(self, request_id: str) -> None:
        """It does not go: it counts no more."""
        self._wishes.pop(request_id, None)
        if len(self._released) < MOST_RELEASED:
            self._released[request_id] = None
        if not self._failing:
            self._go_on()

    def sweep(self) -> None:
        """Try again what failed; called about once a second."""
        self._go_on()

    def _go_on(self) -> None:
        if self._under_way is None and (self._wishes or self._released):
            wishes, released = list(self._wishes.values())[:MOST], list(self._released)[:MOST]
            for wish in wishes:
                del self._wishes[wish.request_id]
            for request_id in released:
                del self._released[request_id]
            self._under_way = (wishes, released)
            question = Ask(tuple(released), tuple(wish.message for wish in wishes))
            self._asking.totals(question, self._answered)

    def _answered(self, answer: Sums | None) -> None:
        """Whoever is told may refuse at once and say so: the next message waits until all are told."""
        assert self._under_way is not None
        wishes, released = self._under_way
        self._failing = answer is None or len(answer.sums) != len(wishes)
        if answer is None or self._failing:
            self._failed(wishes, released)
            self._under_way = None
            if self._wishes:
                self._go_on()
            return
        refused: dict[str, Decimal] = {}
        for wish, sums in zip(wishes, answer.sums, strict=True):
            self._tell(wish, sums, refused)
        self._under_way = None
        self._go_on()

    def _failed(self, wishes: list[_Wish], released: list[str]) -> None:
        """Nobody knows whether the message arrived: what it reserved for is taken back, now or later."""
        self._released |= dict.fromkeys([*released, *(wish.request_id for wish in wishes)])
        for wish in wishes:
            wish.reply(UNKNOWN)

    def _tell(self, wish: _Wish, sums: tuple[Decimal, ...] | None, refused: dict[str, Decimal]) -> None:
        """`refused` is what those before it reserved in vain, by the key of each total; it learns what this one did."""
        if wish.request_id in self._released:
            kept = False
        elif sums is None or len(sums) != len(wish.amounts):
            kept = False
            wish.reply(UNKNOWN)
        else:
            told = zip(wish.amounts, sums, strict=True)
            wish.reply(
                {total: subtract(found, refused.get(key(total, wish.account), NOTHING)) for total, found in told}
            )
            kept = wish.request_id not in self._released
        if not kept and sums is not None:
            for total, amount in wish.amounts.items():
                name = key(total, wish.account)
                refused[name] = add(refused.get(name, NOTHING), amount)


# --- of an exchange ---------------------------------------------------------------------------------------------------


def ask(totals: Totals, exchange: Exchange, reply: Callable[[], None]) -> None:
    """Reserve what `exchange.adds` says; `reply` is called when `exchange.sums` are there."""
    identity, binding = exchange.identity, exchange.binding
    wanted = exchange.adds
    assert identity is not None
    assert binding is not None
    assert wanted is not None
    account = Account(identity.gateway.compiled.id, identity.agent.id, binding.name)
    unreadable = {total: UNREADABLE for total, amount in wanted.items() if amount.is_nan()}

    def told(found: Found) -> None:
        exchange.sums = {**found, **unreadable}
        reply()

    exchange.reserved = True
    readable = {total: amount for total, amount in wanted.items() if total not in unreadable}
    totals.reserve(exchange.request_id, account, readable, told)
