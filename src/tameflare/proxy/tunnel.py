"""A host that is let through unopened: SNI is checked, bytes are counted, the action is `tunnel.open`."""

from __future__ import annotations

import asyncio
from typing import cast

from tameflare.core.decision import Reason
from tameflare.link.messages import Outcome
from tameflare.proxy import records
from tameflare.proxy.context import Context
from tameflare.proxy.exchange import Exchange, Next
from tameflare.proxy.flow import BUFFER_FULL, UPSTREAM_FULL, Flow
from tameflare.proxy.identity import Identity
from tameflare.proxy.origin import Origin
from tameflare.proxy.refusal import Refusal
from tameflare.proxy.routing import Binding
from tameflare.proxy.steps import advance
from tameflare.wire.client_hello import HelloFault, HelloReader
from tameflare.wire.heads import NO_FIELDS, RequestHead


class Tunnel:
    """Judged once, when the ClientHello is whole; then bytes go both ways as they come."""

    def __init__(
        self,
        transport: asyncio.Transport,
        context: Context,
        flow: Flow,
        identity: Identity,
        origin: Origin,
        binding: Binding,
    ) -> None:
        self._transport = transport
        self._context = context
        self._flow = flow
        self._binding = binding
        self._pending = b""
        self._hello = HelloReader()
        self._judged = False
        self._upstream: UpstreamLeg | None = None
        self._up = self._down = 0
        self._noted = False
        self._client_done = self._upstream_done = False
        state = context.state
        head = RequestHead("CONNECT", "/", 1, NO_FIELDS, origin.authority, None, False, False, False, False, None, 0)
        now = state.clock()
        self._exchange = Exchange(state.new_request_id(now), head, origin, "/", identity, now, state.tick(), 0)
        self._deadline = state.tick() + state.limits.head_timeout

    # --- from the agent

    def feed(self, data: bytes) -> None:
        if self._upstream is not None:
            self._up += len(data)
            self._touch()
            self._upstream.transport.write(data)
            return
        self._pending += data
        if self._judged:
            self._flow.hold_client(BUFFER_FULL)
            return
        try:
            whole, name = self._hello.feed(data)
        except HelloFault as fault:
            self._refuse(Refusal(Reason.NOT_HTTP, str(fault)))
            return
        if whole:
            self._judge(name)

    def _judge(self, name: str | None) -> None:
        self._judged = True
        self._exchange.origin.shake_hands(name)
        outcome = advance(self._exchange, self._context.state)
        if isinstance(outcome, Refusal):
            self._refuse(outcome)
            return
        assert outcome is Next.FORWARD
        run = self._exchange.identity.run if self._exchange.identity is not None else None
        if run is not None:
            run.allowed += 1
        self._context.outbox.put(records.of_decision(self._exchange, self._context.state), self)

    def release(self) -> None:
        if not self._noted:  # not cut meanwhile
            self._context.tasks.start(self._open())

    def unrecorded(self) -> None:
        self._refuse(Refusal(Reason.RECORD_UNAVAILABLE, "the decision cannot be recorded"))

    async def _open(self) -> None:
        found = await self._context.dialer.open(self._exchange.origin, self._binding.guard, lambda: UpstreamLeg(self))
        if isinstance(found, Refusal):
            self._end(found.reason.value)
            self._transport.abort()
            return
        if self._transport.is_closing():
            found.transport.abort()
            return
        self._upstream = found
        self._flow.attach(found.transport)
        pending, self._pending = self._pending, b""
        self.feed(pending)
        self._flow.resume_client(BUFFER_FULL)

    def client_ended(self) -> None:
        """The agent's half is over; the tunnel is when both are."""
        self._client_done = True
        if self._upstream is None or self._upstream_done:
            self._transport.close()
        elif self._upstream.transport.can_write_eof():
            self._upstream.transport.write_eof()

    def client_lost(self, reason: str = "") -> None:
        if self._upstream is not None:
            if self._client_done and self._upstream_done:
                self._upstream.transport.close()
            else:
                self._upstream.transport.abort()
        self._end(reason)

    @property
    def under_way(self) -> Exchange | None:
        """What was let through and has not ended."""
        return self._exchange if self._judged and not self._noted else None

    # --- from the upstream

    def received(self, data: bytes) -> None:
        self._down += len(data)
        self._touch()
        self._transport.write(data)

    def upstream_ended(self) -> None:
        self._upstream_done = True
        if self._client_done:
            self._transport.close()
        elif self._transport.can_write_eof() and not self._transport.is_closing():
            self._transport.write_eof()

    def upstream_lost(self) -> None:
        self._flow.detach()
        self._transport.close()

    def hold(self, full: bool) -> None:
        if full:
            self._flow.hold_client(UPSTREAM_FULL)
        else:
            self._flow.resume_client(UPSTREAM_FULL)

    # --- the end

    def _refuse(self, refusal: Refusal) -> None:
        """Nothing readable can be said inside somebody else's TLS: the connection is closed."""
        exchange, context = self._exchange, self._context
        context.metrics.denied[refusal.reason.value] += 1
        if exchange.identity is not None and exchange.identity.run is not None:
            exchange.identity.run.denied += 1
        context.outbox.note(records.of_refusal(exchange, context.state, refusal, 0, 0))
        self._noted = True
        self._transport.abort()

    def _end(self, reason: str) -> None:
        if self._noted or not self._judged:
            return
        self._noted = True
        took = int((self._context.state.tick() - self._exchange.arrived) * 1e6)
        self._context.outbox.note(Outcome(self._exchange.request_id, 0, took, 0, self._up, self._down, reason))

    def _touch(self) -> None:
        self._deadline = self._context.state.tick() + self._context.state.limits.idle_timeout

    def sweep(self, now: float) -> None:
        if now > self._deadline:
            self._end(Reason.UPSTREAM_TIMEOUT.value)
            self._transport.abort()


class UpstreamLeg(asyncio.Protocol):
    """The far side of a tunnel."""

    def __init__(self, tunnel: Tunnel) -> None:
        self._tunnel = tunnel
        self.transport: asyncio.Transport

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast("asyncio.Transport", transport)

    def data_received(self, data: bytes) -> None:
        self._tunnel.received(data)

    def eof_received(self) -> bool:
        self._tunnel.upstream_ended()
        return True

    def connection_lost(self, _: Exception | None) -> None:
        self._tunnel.upstream_lost()

    def pause_writing(self) -> None:
        self._tunnel.hold(True)

    def resume_writing(self) -> None:
        self._tunnel.hold(False)
