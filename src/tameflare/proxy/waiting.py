"""A held request's connection, as its hold sees it: judged again, let go, or refused."""

from __future__ import annotations

from typing import Protocol

from tameflare.core.approval import ANYBODY
from tameflare.core.decision import Reason
from tameflare.proxy import totals
from tameflare.proxy.exchange import Exchange, Next, Outcome
from tameflare.proxy.held import describe, names
from tameflare.proxy.hold import Hold, Judged, Later, Need
from tameflare.proxy.holds import Holds
from tameflare.proxy.refusal import Refusal
from tameflare.proxy.state import ProxyState
from tameflare.proxy.steps import advance
from tameflare.proxy.totals import Totals


class HeldConversation(Protocol):
    """The conversation that a held request belongs to."""

    exchange: Exchange | None

    def reopen(self, exchange: Exchange) -> Exchange:
        """The same request on the newest configuration, nothing of it judged yet."""

    def proceed(self, outcome: Outcome) -> None: ...

    def refuse(self, refusal: Refusal) -> None: ...


class HeldRequest:
    """One exchange that waits for people. `hold` is its wait."""

    __slots__ = ("_conversation", "_state", "_totals", "hold")

    def __init__(self, conversation: HeldConversation, state: ProxyState, totals: Totals) -> None:
        self._conversation = conversation
        self._state = state
        self._totals = totals
        self.hold: Hold

    def begin(self, holds: Holds, exchange: Exchange) -> None:
        """Start to wait."""
        if exchange.identity is not None and exchange.identity.run is not None:
            exchange.identity.run.held += 1
        self.hold = holds.begin(self, exchange.request_id, self._need(exchange), names(exchange))

    def judge_again(self) -> Judged:
        before = self._conversation.exchange
        assert before is not None
        exchange = self._conversation.reopen(before)
        exchange.request_id, exchange.arrived = before.request_id, before.arrived
        exchange.received, exchange.bytes_in, exchange.held = before.received, before.bytes_in, True
        exchange.waited, exchange.reserved = self._state.tick() - before.arrived, before.reserved
        self._conversation.exchange = exchange
        outcome = advance(exchange, self._state)  # by the time that it is now: a token may have expired
        if outcome is Next.RESERVE:
            totals.ask(self._totals, exchange, lambda: self._reserved(exchange, before.time))
            return Later.LATER
        return self._judged(exchange, outcome, before.time)

    def _reserved(self, exchange: Exchange, time: float) -> None:
        """The totals are there, as they are now. What came into force meanwhile counts: then it is judged anew."""
        if not self.hold.judges or self._conversation.exchange is not exchange:
            return
        identity, served = exchange.identity, self._state.served
        if identity is None or served is None or not identity.is_valid(served, self._state.clock()):
            exchange.time = time
            self.hold.judged(self.judge_again())
        else:
            self.hold.judged(self._judged(exchange, advance(exchange, self._state), time))

    def _judged(self, exchange: Exchange, outcome: Outcome, time: float) -> Refusal | Need | None:
        exchange.time = time
        if isinstance(outcome, Refusal):
            return outcome
        if outcome is Next.HOLD:
            return self._need(exchange)
        return None if outcome is Next.FORWARD else Refusal(Reason.INTERNAL_ERROR, "the held request lacks its body")

    def let_go(self, approval: str) -> None:
        exchange = self._conversation.exchange
        assert exchange is not None
        exchange.waited = self._state.tick() - exchange.arrived
        exchange.approval = approval
        self._conversation.proceed(advance(exchange, self._state) if approval else Next.FORWARD)

    def refuse(self, refusal: Refusal) -> None:
        exchange = self._conversation.exchange
        assert exchange is not None
        exchange.waited = self._state.tick() - exchange.arrived
        exchange.approval = self.hold.approval
        self._conversation.refuse(refusal)

    def renew(self) -> str:
        exchange = self._conversation.exchange
        assert exchange is not None
        if exchange.reserved:  # under the old name; it is counted again before it goes
            self._totals.release(exchange.request_id)
            exchange.reserved = False
        exchange.request_id = self._state.new_request_id(self._state.clock())
        return exchange.request_id

    def _need(self, exchange: Exchange) -> Need:
        identity, decision = exchange.identity, exchange.decision
        assert identity is not None
        assert decision is not None
        held = describe(exchange, self._state.limits.sensitive_query)
        return Need(held, decision.requirement or ANYBODY, identity.served.version)
