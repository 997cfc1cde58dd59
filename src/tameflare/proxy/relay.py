"""One request on its way: to the upstream, and its answer back, streaming both ways.

A relay belongs to one conversation and carries one exchange after the other. It never decides.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final, Protocol, cast

from tameflare.core.decision import Reason
from tameflare.link.messages import Outcome
from tameflare.proxy.context import Context
from tameflare.proxy.exchange import Exchange
from tameflare.proxy.filtering import changes_for
from tameflare.proxy.flow import BUFFER_FULL, UPSTREAM_FULL, Flow
from tameflare.proxy.refusal import Refusal
from tameflare.proxy.response import ResponseEncoded, ResponseFault, ResponseReader
from tameflare.proxy.upstream import UpstreamConnection
from tameflare.wire.framer import LAST_CHUNK, FramingFault, encode_chunk

LARGEST_BACKLOG: Final = 64 * 1024
_SAFE_TO_REPEAT: Final = frozenset(("GET", "HEAD", "OPTIONS"))


class RelayConversation(Protocol):
    """The conversation that a relayed request belongs to."""

    @property
    def closed(self) -> bool: ...

    @property
    def write(self) -> Callable[[bytes], None]:
        """Takes the next bytes of the answer."""

    def keeps(self, exchange: Exchange) -> bool:
        """Whether the connection lives on after this answer."""

    def close_after(self) -> None: ...

    def upstream_ready(self) -> None:
        """The upstream takes the body now."""

    def answered(self) -> None: ...

    def refuse(self, refusal: Refusal) -> None: ...

    def abort(self) -> None:
        """The answer that was begun cannot be ended."""


class Parted:
    """In the place of a conversation that is over."""

    closed: Final = True


PARTED: Final = Parted()


class Relay:
    """Carries one exchange. `upstream` is set from the moment a connection was found until the answer has ended."""

    __slots__ = (
        "_context",
        "_conversation",
        "_dial_started",
        "_flow",
        "_heard",
        "_key",
        "_pending",
        "_pending_size",
        "_reader",
        "_retried",
        "_tick",
        "_total_deadline",
        "body_sent",
        "bytes_out",
        "exchange",
        "overhead",
        "status",
        "upstream",
    )

    def __init__(self, conversation: RelayConversation, context: Context, flow: Flow) -> None:
        self._conversation = conversation
        self._context = context
        self._flow = flow
        self._tick = context.state.tick
        self._reader = ResponseReader()
        self.exchange: Exchange | None = None
        self.upstream: UpstreamConnection | None = None
        self._heard = self._total_deadline = 0.0

    # --- towards the upstream

    def prepare(self, exchange: Exchange, *, body_sent: bool) -> None:
        """Get ready to carry an exchange. `body_sent`: nothing follows the head and the body that was read."""
        self.exchange = exchange
        self._pending = [exchange.outgoing + exchange.body if exchange.body else exchange.outgoing]
        self._pending_size = 0
        self._retried = False
        self.overhead = 0.0
        self.body_sent = body_sent
        self.status = 0
        self.bytes_out = 0
        self._reader.begin(exchange.head.method, exchange.head.minor, exchange.request_id, changes_for(exchange))
        self._heard = exchange.arrived + exchange.waited
        self._total_deadline = exchange.arrived + self._context.state.limits.total_timeout

    def begin(self) -> None:
        """The decision is on record: find a connection and send."""
        exchange = self.exchange
        if exchange is None:
            return
        self._key = key = self._context.key(exchange)
        # what people agreed to goes once: never over a connection that may turn out dead
        idle = self._context.pool.take(key) if not exchange.approval and not exchange.once else None
        if idle is None:
            self._dial(exchange)
        else:
            self.connected(idle)

    def _dial(self, exchange: Exchange) -> None:
        self._dial_started = self._tick()
        self._context.dial(self._key, exchange, self)

    def connected(self, connection: UpstreamConnection) -> None:
        """A connection was found; the client may have gone meanwhile."""
        exchange = self.exchange
        if exchange is None or self._conversation.closed or self.upstream is not None or connection.key != self._key:
            self._context.pool.put(connection)
            return
        now = self._tick()
        if not connection.used:
            exchange.waited += now - self._dial_started
        connection.receiver = self
        self.upstream = connection
        self._flow.attach(connection.transport)
        self.overhead = now - exchange.arrived - exchange.waited
        pending = self._pending
        connection.write(pending[0] if len(pending) == 1 else b"".join(pending))
        if self._pending_size or exchange.body:
            self._pending = []
        if self._pending_size > LARGEST_BACKLOG:
            self._flow.resume_client(BUFFER_FULL)
        if exchange.head.expect_continue:
            self._conversation.upstream_ready()

    def unreachable(self, refusal: Refusal) -> None:
        exchange = self.exchange
        if exchange is None or self._conversation.closed:
            return
        exchange.waited += self._tick() - self._dial_started
        self._conversation.refuse(refusal)

    def send_body(self, payload: bytes, done: bool) -> None:
        """The next piece of the request's body, as payload without framing."""
        exchange = self.exchange
        assert exchange is not None
        exchange.bytes_in += len(payload)
        if exchange.head.chunked:
            payload = (encode_chunk(payload) if payload else b"") + (LAST_CHUNK if done else b"")
        self.body_sent = done
        if self.upstream is not None:
            if payload:
                self.upstream.write(payload)
            self._heard = self._tick()
            return
        self._pending.append(payload)
        self._pending_size += len(payload)
        if self._pending_size > LARGEST_BACKLOG:
            self._flow.hold_client(BUFFER_FULL)

    def _may_repeat(self) -> bool:
        """Whether an idle connection that turns out dead may be replaced: only where nothing can happen twice."""
        exchange, upstream = self.exchange, self.upstream
        return (
            exchange is not None
            and upstream is not None
            and upstream.used
            and not self._retried
            and not exchange.has_body
            and not exchange.approval
            and not exchange.once
            and exchange.head.method in _SAFE_TO_REPEAT
        )

    # --- from the upstream

    def received(self, data: bytes) -> None:
        exchange, reader = self.exchange, self._reader
        if exchange is None:
            return
        self._heard = self._tick()
        started = reader.head is not None
        try:
            out = reader.feed(data, keep=started or (self.body_sent and self._conversation.keeps(exchange)))
        except (ResponseFault, FramingFault) as fault:
            encoded = isinstance(fault, ResponseEncoded)
            self._broken(str(fault), Reason.RESPONSE_ENCODED if encoded else Reason.UPSTREAM_INVALID)
            return
        if not started and reader.head is not None:
            self._begin_answer(reader.head.status)
        self._send(out)
        if reader.done and self.exchange is exchange:
            self._finish()

    def _begin_answer(self, status: int) -> None:
        self._pending = []
        self.status = status
        if self._reader.ends_connection:
            self._conversation.close_after()

    @property
    def deadline(self) -> float:
        """When the upstream has been silent for too long, or everything has taken too long."""
        return min(self._total_deadline, self._heard + self._context.state.limits.idle_timeout)

    def _send(self, out: bytes) -> None:
        if out:
            self.bytes_out += len(out)
            self._conversation.write(out)

    def ended(self, *, clean: bool) -> None:
        """The upstream closed, or was cut off."""
        exchange, reader = self.exchange, self._reader
        if exchange is None:
            return
        repeat = reader.untouched and self._may_repeat()
        self._release(reusable=False)
        if repeat:
            self._retried = True
            self._dial(exchange)
        elif reader.head is None:
            self._conversation.refuse(Refusal(Reason.UPSTREAM_CLOSED, "the upstream closed before it answered"))
        elif clean:
            self._finish_at_end()
        else:
            self._broken("the upstream was cut off")

    def _finish_at_end(self) -> None:
        try:
            out = self._reader.finish()
        except FramingFault as fault:
            self._broken(str(fault))
            return
        self._send(out)
        self._finish()

    def upstream_full(self) -> None:
        self._flow.hold_client(UPSTREAM_FULL)

    def upstream_drained(self) -> None:
        self._flow.resume_client(UPSTREAM_FULL)

    # --- the end

    def _finish(self) -> None:
        self._release(reusable=self._reader.reusable and self.body_sent)
        self.note("")
        self.exchange = None
        self._conversation.answered()

    def _broken(self, message: str, reason: Reason = Reason.UPSTREAM_INVALID) -> None:
        """The upstream broke HTTP: before its head a refusal, after it a cut that the agent can see."""
        self._release(reusable=False)
        if not self.status:
            self._conversation.refuse(Refusal(reason, message))
            return
        self.note(reason.value)
        self.exchange = None
        self._conversation.abort()

    def sweep(self, now: float) -> None:
        """Time-outs; called about once a second."""
        if self.exchange is None or now < self.deadline or self.upstream is None:
            return
        answered = self._reader.head is not None
        self._release(reusable=False)
        if answered:
            self.note(Reason.UPSTREAM_TIMEOUT.value)
            self.exchange = None
            self._conversation.abort()
        else:
            self._conversation.refuse(Refusal(Reason.UPSTREAM_TIMEOUT, "the upstream did not answer in time"))

    def drop(self) -> None:
        """The exchange will not be carried, and nothing of it is on record."""
        self.exchange = None

    def cancel(self, reason: Reason) -> None:
        """The client is gone, or the process stops."""
        if self.exchange is None:
            return
        self._release(reusable=False)
        self.note(reason.value)
        self.exchange = None

    def part(self) -> None:
        """Forget the conversation, which is over: a connection that is found now is kept for others."""
        self._conversation = cast("RelayConversation", PARTED)

    def refused(self, refusal: Refusal, size: int) -> None:
        """A refusal of `size` bytes has taken the place of the answer."""
        if self.exchange is None:
            return
        self._release(reusable=False)
        self.status, self.bytes_out = refusal.status, size
        self.note(refusal.reason.value)
        self.exchange = None

    def _release(self, *, reusable: bool) -> None:
        upstream, self.upstream = self.upstream, None
        self._flow.detach()
        if upstream is None:
            return
        upstream.receiver = None
        if reusable:
            self._context.pool.put(upstream)
        else:
            upstream.discard()

    def note(self, reason: str) -> None:
        """The outcome of a request whose decision is already on record."""
        exchange = self.exchange
        assert exchange is not None
        took = self._tick() - exchange.arrived
        overhead_us = int(self.overhead * 1e6)
        self._context.outbox.note(
            Outcome(
                exchange.request_id,
                self.status,
                int(took * 1e6),
                overhead_us,
                exchange.bytes_in,
                self.bytes_out,
                reason,
                self._reader.flags,
            )
        )
        metrics = self._context.metrics
        metrics.finished((took, self.overhead))
        if reason and exchange.binding is not None:
            metrics.connector_errors[exchange.binding.name] += 1
