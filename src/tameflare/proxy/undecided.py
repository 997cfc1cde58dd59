"""A request that cannot be decided by its head: its body is read, or people are asked.

What it takes of its agent's allowance meanwhile, and until it is answered, it gives back in `repay`.
"""

from __future__ import annotations

from typing import Protocol

from tameflare.core.decision import Reason
from tameflare.proxy import totals
from tameflare.proxy.allowance import Loan
from tameflare.proxy.consent import too_large_to_hold
from tameflare.proxy.context import Context
from tameflare.proxy.exchange import Exchange, Next
from tameflare.proxy.held import called_off
from tameflare.proxy.refusal import Refusal, too_many_bytes, too_many_held
from tameflare.proxy.steps import advance, body_too_large
from tameflare.proxy.waiting import HeldConversation, HeldRequest


class UndecidedConversation(HeldConversation, Protocol):
    """The conversation that the request belongs to."""

    def pass_on(self, collected: bytes, done: bool) -> None:
        """Send what was collected of a body that is let through without being read."""


class Undecided:
    """One request at a time. `collects` while its body is read, `waits` while people are asked, `asks` then and while
    the control plane is asked for totals; `deadline` is when the next piece of the body must have come."""

    __slots__ = (
        "_collected",
        "_context",
        "_conversation",
        "_loan",
        "_look_at",
        "_most",
        "_request",
        "_reserving",
        "deadline",
    )

    def __init__(self, conversation: UndecidedConversation, context: Context) -> None:
        self._conversation = conversation
        self._context = context
        self._collected: bytearray | None = None
        self._most = 0
        self._look_at = (
            0  # how much is to be there before it is looked at whether the beginning is; 0: the whole counts
        )
        self._request: HeldRequest | None = None
        self._loan: Loan | None = None
        self._reserving: Exchange | None = None
        self.deadline = 0.0

    @property
    def collects(self) -> bool:
        return self._collected is not None

    @property
    def waits(self) -> bool:
        return self._request is not None

    @property
    def asks(self) -> bool:
        return self._request is not None or self._reserving is not None

    # --- its body

    def read(self, wanted: Next) -> None:
        """Read the body: whole or its beginning to judge it, or whole to keep it while people are asked."""
        limits = self._context.state.limits
        self._collected = bytearray()
        self._look_at = 1 if wanted is Next.BEGINNING else 0
        self._most = limits.max_held_body if wanted is Next.HELD_BODY else limits.max_body
        self.deadline = self._context.state.tick() + limits.idle_timeout

    def collect(self, exchange: Exchange, payload: bytes, done: bool) -> None:
        collected, state = self._collected, self._context.state
        assert collected is not None
        if not self._loaned(exchange).take_bytes(len(payload)):
            self._conversation.refuse(too_many_bytes(self._context.allowances.each.buffered))
            return
        collected += payload
        exchange.bytes_in += len(payload)
        self.deadline = state.tick() + state.limits.idle_timeout
        if self._is_enough(exchange, collected):
            self._judge_beginning(exchange, bytes(collected), done)
        elif len(collected) > self._most:
            self._overflow(exchange, bytes(collected), done)
        elif done:
            self._collected = None
            exchange = self._conversation.exchange = self._renewed(exchange)
            exchange.received = bytes(collected)
            exchange.waited = state.tick() - exchange.arrived
            outcome = advance(exchange, state)
            for name in called_off(exchange):
                self._context.holds.call_off(name)
            self._conversation.proceed(outcome)

    def _is_enough(self, exchange: Exchange, collected: bytearray) -> bool:
        """Looked at whenever it has doubled, so that a body in small pieces costs no more than one in large."""
        if not self._look_at or len(collected) < self._look_at or exchange.binding is None:
            return False
        self._look_at = 2 * len(collected)
        return exchange.binding.connector.is_enough(bytes(collected))

    def _judge_beginning(self, exchange: Exchange, collected: bytes, done: bool) -> None:
        """Decide by what the body begins with; what was read goes before the rest, or is kept with it for people."""
        self._collected = None
        state = self._context.state
        exchange = self._conversation.exchange = self._renewed(exchange)
        exchange.beginning = collected
        exchange.waited = state.tick() - exchange.arrived
        outcome = advance(exchange, state)
        self._conversation.proceed(outcome)
        if outcome is Next.HELD_BODY:
            exchange.bytes_in -= len(collected)
            self.collect(exchange, collected, done)
        elif outcome is Next.FORWARD:
            self._conversation.pass_on(collected, done)

    def _renewed(self, exchange: Exchange) -> Exchange:
        """The exchange, begun anew where it no longer holds: a new version came, or its run ended, during its body."""
        identity, state = exchange.identity, self._context.state
        if identity is not None and state.served is not None and identity.is_valid(state.served, state.clock()):
            return exchange
        fresh = self._conversation.reopen(exchange)
        fresh.arrived, fresh.bytes_in = exchange.arrived, exchange.bytes_in
        return fresh

    def _overflow(self, exchange: Exchange, collected: bytes, done: bool) -> None:
        """A body without a stated length grew over the limit; only `monitor` lets it through, as it came."""
        self._collected = None
        state = self._context.state
        if exchange.actions is not None:  # it was to be kept while people are asked
            if exchange.request is not None:
                exchange.request.body = collected  # its beginning, for an answer that fits
            self._conversation.refuse(too_large_to_hold(state))
        elif self._renewed(exchange) is not exchange:
            message = "the configuration changed while the body was read"
            self._conversation.refuse(Refusal(Reason.CONFIGURATION_STALE, message))
        else:
            self._conversation.proceed(body_too_large(exchange, state) or advance(exchange, state))
            self._conversation.pass_on(collected, done)

    # --- running totals

    def reserve(self, exchange: Exchange) -> None:
        """Have the control plane count it, then judge it by the sums."""
        self._reserving = exchange
        totals.ask(self._context.totals, exchange, lambda: self._reserved(exchange))

    def _reserved(self, exchange: Exchange) -> None:
        if self._reserving is not exchange:
            return
        self._reserving = None
        fresh = self._conversation.exchange = self._renewed(exchange)
        if fresh is not exchange:
            fresh.request_id, fresh.received, fresh.reserved = exchange.request_id, exchange.received, True
        self._conversation.proceed(advance(fresh, self._context.state))

    # --- people

    def ask(self, exchange: Exchange) -> None:
        """Have the request wait for people."""
        if not self._loaned(exchange).take_hold():
            self._conversation.refuse(too_many_held(self._context.allowances.each.held))
            return
        self._request = HeldRequest(self._conversation, self._context.state, self._context.totals)
        self._request.begin(self._context.holds, exchange)

    def agreed(self) -> None:
        """It is let through: it waits no longer, but what was read of it is still in memory."""
        self._request = None
        if self._loan is not None:
            self._loan.end_hold()

    # --- the end

    def end(self, reason: Reason) -> None:
        """It is refused, or its connection is gone. Harmless where nothing was begun."""
        request, self._request = self._request, None
        self._collected = self._reserving = None
        if request is not None:
            request.hold.leave(reason)

    def repay(self) -> None:
        """It is answered."""
        if self._loan is not None:
            self._loan.repay()
            self._loan = None

    def _loaned(self, exchange: Exchange) -> Loan:
        """What this request takes of its agent's allowance."""
        assert exchange.identity is not None
        self._loan = self._loan or self._context.allowances.loan(exchange.identity.agent.id)
        return self._loan
