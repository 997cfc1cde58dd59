"""One job while it is carried out: it stands where an agent's connection stands otherwise.

The relay that serves agents sends it and reads the answer, so that dialling, the address guard, the certificate,
time-outs and masking are the same. It counts among the proxy's connections: a kill switch cuts it, a stop waits for it.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Final, cast

from tameflare.core.decision import Reason
from tameflare.link.executions import LARGEST_ANSWER, Carried
from tameflare.proxy import records
from tameflare.proxy.collected import Collected
from tameflare.proxy.context import Context
from tameflare.proxy.exchange import Exchange
from tameflare.proxy.flow import Flow
from tameflare.proxy.refusal import Refusal
from tameflare.proxy.relay import Relay
from tameflare.proxy.revocation import refusal_to_cut
from tameflare.proxy.upstream import UpstreamConnection

_TOO_LONG: Final = "it took longer than whoever asked for it waits"


class _Nobody:
    """The transport of an agent that is not there: it is never full."""

    def is_closing(self) -> bool:
        return True


_NOBODY: Final = cast("asyncio.Transport", _Nobody())


class _Sending(Relay):
    """Knows whether something may have reached the upstream."""

    __slots__ = ("sent",)

    def __init__(self, execution: Execution, context: Context) -> None:
        super().__init__(execution, context, Flow(_NOBODY))
        self.sent = False

    def connected(self, connection: UpstreamConnection) -> None:
        self.sent = self.sent or self.exchange is not None
        super().connected(connection)


class Execution:
    """Of an exchange that was judged; used once. `run` carries it out."""

    def __init__(self, exchange: Exchange, context: Context) -> None:
        self._exchange = exchange
        self._context = context
        self._relay = _Sending(self, context)
        self._collected = Collected(exchange.head.method, LARGEST_ANSWER)
        self._ended: asyncio.Future[Carried] = asyncio.get_running_loop().create_future()
        self.closed = False

    async def run(self, seconds: float) -> Carried:
        """Put the decision on record, send it, and read the answer, within so many seconds."""
        context = self._context
        context.connections.add(self)
        try:
            self._relay.prepare(self._exchange, body_sent=True)
            context.outbox.put(records.of_decision(self._exchange, context.state), self)
            async with asyncio.timeout(seconds):
                return await asyncio.shield(self._ended)
        except TimeoutError:
            self._cut(Refusal(Reason.UPSTREAM_TIMEOUT, _TOO_LONG))
            return self._ended.result()
        finally:
            self.closed = True
            context.connections.discard(self)

    # --- the record

    def release(self) -> None:
        """The decision is on record."""
        if not self._ended.done():
            self._relay.begin()

    def unrecorded(self) -> None:
        self._relay.drop()
        self._end(Refusal(Reason.RECORD_UNAVAILABLE, "the decision cannot be recorded"))

    # --- the conversation that the relay knows

    @property
    def write(self) -> Callable[[bytes], None]:
        return self._collected.feed

    def keeps(self, _exchange: Exchange) -> bool:
        return True

    def close_after(self) -> None:
        """There is no connection of an agent that would end."""

    def upstream_ready(self) -> None:
        """The body went with the head."""

    def answered(self) -> None:
        self._end(None)

    def refuse(self, refusal: Refusal) -> None:
        self._relay.refused(refusal, 0)
        self._end(refusal)

    def abort(self) -> None:
        """The answer was cut short, which the relay has put on record; or this could not be looked after."""
        self._relay.cancel(Reason.INTERNAL_ERROR)
        self._end(Refusal(Reason.UPSTREAM_CLOSED, "the upstream's answer was cut short"))

    # --- the connection that the proxy knows

    idle: Final = False
    waits: Final = False

    def sweep(self, now: float) -> None:
        self.recheck()
        self._relay.sweep(now)

    def recheck(self) -> None:
        refusal = refusal_to_cut(self._exchange, self._context.state)
        if refusal is not None:
            self._cut(refusal)

    def close(self) -> None:
        self.stop()

    def stop(self) -> None:
        self._cut(Refusal(Reason.SHUTTING_DOWN, "the proxy stops"))

    # --- the end

    def _cut(self, refusal: Refusal) -> None:
        if not self._ended.done():
            self._relay.cancel(refusal.reason)
            self._end(refusal)

    def _end(self, refusal: Refusal | None) -> None:
        if self._ended.done():
            return
        found, state = self._collected, self._context.state
        self._ended.set_result(
            Carried(
                self._exchange.request_id,
                self._relay.sent,
                refusal.reason.value if refusal is not None else "",
                refusal.message if refusal is not None else "",
                found.status,
                found.headers,
                found.body,
                found.truncated,
                int((state.tick() - self._exchange.arrived) * 1e6),
            )
        )
