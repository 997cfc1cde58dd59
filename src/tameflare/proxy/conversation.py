"""The requests of one byte stream from an agent, one after the other: read, decided, carried, answered.

A conversation reads heads and bodies, lets `advance` decide, and hands what is let through to the outbox, whose turn
barrier calls `release` once the decision is on record. Pipelined requests wait their turn in a bounded buffer.
"""

from __future__ import annotations

from typing import Final

from tameflare.core.decision import Reason
from tameflare.link.approvals import Leave
from tameflare.proxy import answers, records, refused
from tameflare.proxy.context import Context
from tameflare.proxy.exchange import Exchange, Next, Outcome
from tameflare.proxy.flow import BUFFER_FULL, Flow
from tameflare.proxy.refusal import Refusal
from tameflare.proxy.relay import LARGEST_BACKLOG, Relay
from tameflare.proxy.steps import advance
from tameflare.proxy.stream import NOWHERE, Opener, Stream, no_more
from tameflare.proxy.undecided import Undecided
from tameflare.wire.framer import Framer, FramingFault, request_framer
from tameflare.wire.heads import HeadFault, RequestHead, RequestHeads, head_end, partial_fault

CONTINUE: Final = b"HTTP/1.1 100 Continue\r\n\r\n"
LARGEST_DRAIN: Final = 64 * 1024 * 1024


class Conversation:
    __slots__ = (
        "_buffer",
        "_context",
        "_drained",
        "_flow",
        "_framer",
        "_heads",
        "_keep",
        "_opener",
        "_recorded",
        "_relay",
        "_stream",
        "_undecided",
        "closed",
        "deadline",
        "exchange",
        "write",
    )

    def __init__(self, stream: Stream, context: Context, flow: Flow, opener: Opener) -> None:
        self._stream = stream
        self._context = context
        self._flow = flow
        self._opener = opener
        self._relay = Relay(self, context, flow)
        self._heads = RequestHeads()
        self._buffer = b""
        self._framer: Framer | None = None
        self._undecided: Undecided | None = None
        self._drained = -1
        self._keep = True
        self._recorded = False
        self.exchange: Exchange | None = None
        self.closed = False
        self.write = stream.send
        self.deadline = context.state.tick() + context.state.limits.head_timeout

    # --- from the agent

    def feed(self, data: bytes) -> None:
        """The next bytes of the stream."""
        if self._framer is not None:
            self._feed_body(data)
        elif self.exchange is not None:
            self._keep_for_later(data)
        else:
            self._read_heads(self._buffer + data if self._buffer else data)

    def _keep_for_later(self, data: bytes) -> None:
        """A pipelined request: it waits until the one before it is answered."""
        self._buffer += data
        if len(self._buffer) > LARGEST_BACKLOG:
            self._flow.hold_client(BUFFER_FULL)

    def _read_heads(self, data: bytes) -> None:
        self._buffer = b""
        while data and not self.closed:
            if self._flow.client_is_full:
                self._await_reader(data)
                return
            end = head_end(data)
            if end < 0:
                self._await_head(data)
                return
            head = self._heads.parse(data if end == len(data) else data[:end])
            if isinstance(head, HeadFault):
                self._fault(head)
                return
            self._begin(head, data[end:])
            if self.exchange is not None or self._framer is not None:
                return
            data, self._buffer = self._buffer, b""

    def _await_reader(self, data: bytes) -> None:
        """Who does not read the answers is asked no further question, or they would pile up here."""
        self._buffer = data
        self._flow.hold_client(BUFFER_FULL)
        self._flow.when_drained = self._resume

    def _await_head(self, data: bytes) -> None:
        fault = partial_fault(data)
        if fault is not None:
            self._fault(fault)
            return
        self._buffer = data
        # from its first byte on, however often a further one comes
        self.deadline = min(self.deadline, self._context.state.tick() + self._context.state.limits.head_timeout)

    def _begin(self, head: RequestHead, rest: bytes) -> None:
        opened = self._opener(head, rest)
        if opened is None:
            self.closed = True
            return
        if isinstance(opened, Refusal):
            self._fault(HeadFault(opened.status, opened.reason.value, opened.message))
            return
        self.exchange = opened
        self._recorded = False
        self._keep = not head.close
        self._framer = request_framer(head)
        if self._framer is None:
            self._buffer = rest
            self.proceed(advance(opened, self._context.state))
            return
        self._flow.resume_client(BUFFER_FULL)
        self.proceed(advance(opened, self._context.state))
        if rest and self._framer is not None and not self.closed:
            self._feed_body(rest)

    def _feed_body(self, data: bytes) -> None:
        framer = self._framer
        assert framer is not None
        try:
            payload = framer.feed(data)
        except FramingFault as fault:
            self._bad_body(str(fault))
            return
        if framer.done:
            self._framer = None
            self._buffer = framer.rest
        if self._drained >= 0:
            self._drain(len(payload))
        elif self._undecided is not None and self._undecided.collects:
            assert self.exchange is not None
            self._undecided.collect(self.exchange, payload, framer.done)
        else:
            self._relay_body(payload, framer.done)

    def _relay_body(self, payload: bytes, done: bool) -> None:
        if payload or done:
            self._relay.send_body(payload, done)

    # --- deciding

    def proceed(self, outcome: Outcome) -> None:
        """Do what `advance` asks for."""
        exchange = self.exchange
        assert exchange is not None
        if outcome is Next.FORWARD:
            if self._undecided is not None:
                self._undecided.agreed()
            self._recorded = True
            self._relay.prepare(exchange, body_sent=self._framer is None)
            self._context.outbox.put(records.of_decision(exchange, self._context.state), self)
        elif isinstance(outcome, Refusal):
            self.refuse(outcome)
        else:
            self._undecided = self._undecided or Undecided(self, self._context)
            if outcome is Next.HOLD:
                self._undecided.ask(exchange)
                return
            if outcome is Next.RESERVE:
                self._undecided.reserve(exchange)
                return
            self._undecided.read(outcome)
            if exchange.head.expect_continue:
                self.write(CONTINUE)

    def pass_on(self, collected: bytes, done: bool) -> None:
        """Send what was collected of a body that is let through without being read."""
        exchange = self.exchange
        if self._drained < 0 and exchange is not None:
            exchange.bytes_in -= len(collected)
            self._relay_body(collected, done)

    def reopen(self, exchange: Exchange) -> Exchange:
        """The same request on the newest configuration, nothing of it judged yet."""
        fresh = self._opener(exchange.head, b"")
        assert isinstance(fresh, Exchange)
        return fresh

    def release(self) -> None:
        """The decision is on record: the request may go."""
        exchange = self.exchange
        if exchange is None or self.closed:
            return
        if exchange.identity is not None and exchange.identity.run is not None:
            exchange.identity.run.allowed += 1
        self._relay.begin()

    def unrecorded(self) -> None:
        """The decision could not be recorded, so the request must not go."""
        if self.exchange is not None and not self.closed:
            self._recorded = False
            self._give_back(self.exchange)
            self._relay.drop()
            self.refuse(Refusal(Reason.RECORD_UNAVAILABLE, "the decision cannot be recorded"))

    def _give_back(self, exchange: Exchange) -> None:
        """Tell people that what they agreed to was not sent."""
        if exchange.approval:
            message = Leave(exchange.request_id, Reason.RECORD_UNAVAILABLE, "the decision cannot be recorded")
            self._context.holds.questions.leave(exchange.approval, message)

    def upstream_ready(self) -> None:
        """The upstream takes the body now; an agent that waits for leave to send it is given it."""
        exchange = self.exchange
        if exchange is not None and exchange.head.expect_continue and not self._relay.body_sent:
            self.write(CONTINUE)

    # --- answering

    def keeps(self, exchange: Exchange) -> bool:
        """Whether the connection lives on after this answer."""
        return self._keep and not exchange.head.close and not self._context.stopping

    def close_after(self) -> None:
        self._keep = False

    def refuse(self, refusal: Refusal) -> None:
        """Answer in place of the upstream, and put it on record."""
        exchange = self.exchange
        assert exchange is not None
        if self._undecided is not None:
            self._undecided.end(refusal.reason)
        if refusal.close or self._context.stopping or (self._framer is not None and exchange.head.expect_continue):
            self._keep = False
        answer = answers.render(exchange, refusal, keep=self._keep)
        self._note(exchange, refusal, len(answer))
        self.write(answer)
        if self._undecided is not None:
            self._undecided.repay()
        if self._framer is None:
            self.answered()
        elif exchange.head.expect_continue:
            self._finish()
        else:
            self._swallow()

    def _note(self, exchange: Exchange, refusal: Refusal, size: int) -> None:
        if self._recorded:
            self._relay.refused(refusal, size)
        else:
            refused.note(self._context, exchange, refusal, size)

    def _swallow(self) -> None:
        """Read and drop the rest of a body that nobody wants, so that the agent gets to read its answer."""
        self._drained = 0
        self.deadline = self._context.state.tick() + self._context.state.limits.head_timeout
        self._flow.resume_client(BUFFER_FULL)

    def _drain(self, size: int) -> None:
        self._drained += size
        if self._framer is None:
            self._drained = -1
            self.answered()
        elif self._drained > LARGEST_DRAIN:
            self._finish()

    def answered(self) -> None:
        """The exchange is over; go on with what has been pipelined meanwhile."""
        if self.closed:
            return
        self.exchange = None
        if self._undecided is not None:
            self._undecided.repay()
        state = self._context.state
        self.deadline = state.tick() + state.limits.client_idle_timeout
        if self._framer is not None:
            self._keep = False
            self._swallow()
            return
        if not self._keep:
            self._finish()
            return
        if self._buffer:
            self._context.soon(self._resume)

    def _resume(self) -> None:
        if self._buffer and self.exchange is None and not self.closed:
            if len(self._buffer) <= LARGEST_BACKLOG:
                self._flow.resume_client(BUFFER_FULL)
            self._read_heads(self._buffer)

    def _fault(self, fault: HeadFault) -> None:
        """A head that no two readers would understand alike: 400 and close."""
        self._context.metrics.denied[Reason.BAD_REQUEST.value] += 1
        self._stream.malformed(fault)
        self.write(answers.plain(fault.status, fault.code, fault.message))
        self._finish()

    def _bad_body(self, message: str) -> None:
        self._framer = None
        if self._relay.exchange is not None:
            self._relay.cancel(Reason.BAD_REQUEST)
            self.abort()
        elif self._drained >= 0:
            self.abort()
        else:
            self.refuse(Refusal(Reason.BAD_REQUEST, message, close=True))

    # --- the end

    def _finish(self) -> None:
        """End after what was sent; who does not take that in time is cut off."""
        self.closed = True
        self._forget(Reason.CLIENT_CLOSED)
        self.deadline = self._context.state.tick() + self._context.state.limits.client_idle_timeout
        self._stream.close()

    def abort(self) -> None:
        """Cut the stream: the answer that was begun cannot be ended."""
        self.closed = True
        self._forget(Reason.CLIENT_CLOSED)
        self._stream.abort()

    def lost(self, reason: Reason = Reason.CLIENT_CLOSED) -> None:
        """The agent is gone."""
        if self._undecided is not None and self._undecided.asks and self.exchange is not None:
            asked = "people were" if self.waits else "the control plane was"
            self._note(self.exchange, Refusal(reason, f"the connection ended while {asked} asked"), 0)
        self.closed = True
        self._forget(reason)
        self._relay.cancel(reason)
        self.part()

    def part(self) -> None:
        """Let go of everybody who knows it, so that nothing of a connection that is gone waits for the collector."""
        self.closed = True
        self._stream, self.write, self._opener = NOWHERE, NOWHERE.send, no_more
        self._undecided = None
        self._relay.part()

    def _forget(self, reason: Reason) -> None:
        self.exchange = None
        if self._undecided is not None:
            self._undecided.end(reason)
            self._undecided.repay()

    @property
    def under_way(self) -> Exchange | None:
        """The request that was let through and is not yet answered."""
        return self._relay.exchange

    @property
    def reading(self) -> Exchange | None:
        """The request that is not let through yet: its body is being read, or people are asked."""
        undecided = self._undecided
        return self.exchange if undecided is not None and (undecided.collects or undecided.asks) else None

    @property
    def idle(self) -> bool:
        return self.exchange is None and not self._buffer

    @property
    def waits(self) -> bool:
        """Whether people are being asked."""
        return self._undecided is not None and self._undecided.waits

    def sweep(self, now: float) -> None:
        """Time-outs; called about once a second."""
        if self.closed:
            if now > self.deadline:
                self._stream.abort()
        elif self.exchange is not None and self._relay.exchange is not None:
            self._relay.sweep(now)
        elif self._drained >= 0 and now > self.deadline:
            self._finish()
        elif self.exchange is not None and self._undecided is not None and self._undecided.collects:
            if now > min(self._undecided.deadline, self.exchange.arrived + self._context.state.limits.total_timeout):
                self.refuse(Refusal(Reason.BAD_REQUEST, "the body did not come", close=True))
        elif self.waits:
            return  # its own time-out, much shorter or much longer than others
        elif self.exchange is not None and now > self.exchange.arrived + self._context.state.limits.total_timeout:
            self.abort()
        elif self.exchange is None and now > self.deadline:
            self._finish()
