"""Connections to upstream servers: dialled by checked address, verified, kept for the next request of the same kind."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import Callable
from typing import Final, Protocol, TypeVar, cast

from tameflare.core.addresses import AddressGuard
from tameflare.core.decision import Reason
from tameflare.proxy.origin import Origin
from tameflare.proxy.refusal import Refusal
from tameflare.proxy.resolver import Resolver, Target
from tameflare.proxy.tasks import Tasks

WRITE_BUFFER: Final = 256 * 1024
IDLE_PER_KEY: Final = 256
IDLE_SECONDS: Final = 60.0

Key = tuple[str, str, str, int]
"""Fingerprint of gateway, connector, credential and allowed addresses; scheme; host; port."""


P = TypeVar("P", bound=asyncio.Protocol)


class Receiver(Protocol):
    """Who uses a connection now."""

    def received(self, data: bytes) -> None: ...

    def ended(self) -> None:
        """The upstream will send no more."""

    def upstream_full(self) -> None: ...

    def upstream_drained(self) -> None: ...


class Waiter(Protocol):
    """Who waits for a connection."""

    def connected(self, connection: UpstreamConnection) -> None: ...

    def unreachable(self, refusal: Refusal) -> None: ...


class UpstreamConnection(asyncio.Protocol):
    """One connection. It belongs to at most one receiver at a time; whatever arrives in between ends it."""

    __slots__ = ("_pool", "idle_since", "key", "receiver", "transport", "used", "write")

    def __init__(self, key: Key, pool: Pool) -> None:
        self.key = key
        self._pool = pool
        self.receiver: Receiver | None = None
        self.used = False
        self.idle_since = 0.0
        self.transport: asyncio.Transport
        self.write: Callable[[bytes], None]

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast("asyncio.Transport", transport)
        self.transport.set_write_buffer_limits(high=WRITE_BUFFER)
        self.write = self.transport.write

    def data_received(self, data: bytes) -> None:
        if self.receiver is None:
            self.discard()
        else:
            self.receiver.received(data)

    def eof_received(self) -> bool:
        self._end()
        return False

    def connection_lost(self, _: Exception | None) -> None:
        self._end()

    def pause_writing(self) -> None:
        if self.receiver is not None:
            self.receiver.upstream_full()

    def resume_writing(self) -> None:
        if self.receiver is not None:
            self.receiver.upstream_drained()

    def discard(self) -> None:
        """Close without ceremony; never to be used again."""
        self.receiver = None
        self._pool.forget(self)
        if not self.transport.is_closing():
            self.transport.abort()

    def _end(self) -> None:
        self._pool.forget(self)
        receiver, self.receiver = self.receiver, None
        if receiver is not None:
            receiver.ended()


class Pool:
    """Idle connections by key, the one used last first."""

    def __init__(self, tick: Callable[[], float]) -> None:
        self._tick = tick
        self._idle: dict[Key, list[UpstreamConnection]] = {}

    def take(self, key: Key) -> UpstreamConnection | None:
        waiting = self._idle.get(key)
        while waiting:
            connection = waiting.pop()
            if not connection.transport.is_closing():
                return connection
        return None

    def put(self, connection: UpstreamConnection) -> None:
        waiting = self._idle.setdefault(connection.key, [])
        if len(waiting) >= IDLE_PER_KEY or connection.transport.is_closing():
            connection.discard()
            return
        connection.receiver = None
        connection.used = True
        connection.idle_since = self._tick()
        waiting.append(connection)

    def forget(self, connection: UpstreamConnection) -> None:
        waiting = self._idle.get(connection.key)
        if waiting is not None and connection in waiting:
            waiting.remove(connection)

    def sweep(self) -> None:
        """Close what has been idle for too long."""
        oldest = self._tick() - IDLE_SECONDS
        for key, waiting in list(self._idle.items()):
            for connection in [entry for entry in waiting if entry.idle_since < oldest]:
                connection.discard()
            if not waiting:
                del self._idle[key]

    def close(self) -> None:
        for waiting in list(self._idle.values()):
            for connection in list(waiting):
                connection.discard()


class Dialer:
    """Dials in the background and hands the connection, or the reason why there is none, to whoever waits."""

    def __init__(self, resolver: Resolver, context: ssl.SSLContext, pool: Pool, tasks: Tasks, timeout: float) -> None:
        self._resolver = resolver
        self._context = context
        self._pool = pool
        self._tasks = tasks
        self._timeout = timeout

    def dial(self, key: Key, origin: Origin, guard: AddressGuard, waiter: Waiter) -> None:
        self._tasks.start(self._serve(key, origin, guard, waiter))

    async def _serve(self, key: Key, origin: Origin, guard: AddressGuard, waiter: Waiter) -> None:
        def make() -> UpstreamConnection:
            return UpstreamConnection(key, self._pool)

        found = await self.open(origin, guard, make, self._context if origin.scheme == "https" else None)
        if isinstance(found, Refusal):
            waiter.unreachable(found)
        else:
            waiter.connected(found)

    async def open(
        self, origin: Origin, guard: AddressGuard, make: Callable[[], P], context: ssl.SSLContext | None
    ) -> P | Refusal:
        """Resolve, guard, connect and, with a context, verify; the reason where one of these fails."""
        try:
            async with asyncio.timeout(self._timeout):
                targets = await self._resolver.resolve(origin.host, origin.port, guard)
                if isinstance(targets, Refusal):
                    return targets
                return await _first(targets, origin, make, context)
        except TimeoutError:
            return Refusal(Reason.UPSTREAM_TIMEOUT, f"`{origin.host}` did not answer within {self._timeout:g} seconds")


async def _first(
    targets: list[Target], origin: Origin, make: Callable[[], P], context: ssl.SSLContext | None
) -> P | Refusal:
    refusal = Refusal(Reason.UPSTREAM_UNREACHABLE, f"`{origin.host}` cannot be reached")
    for address, port in targets:
        try:
            _, protocol = await asyncio.get_running_loop().create_connection(
                make, address, port, ssl=context, server_hostname=origin.host if context is not None else None
            )
        except ssl.SSLCertVerificationError as fault:
            return Refusal(Reason.UPSTREAM_CERTIFICATE, f"certificate of `{origin.host}`: {fault.verify_message}")
        except ssl.SSLError as fault:
            refusal = Refusal(Reason.UPSTREAM_INVALID, f"`{origin.host}` failed the TLS handshake: {fault.reason}")
        except OSError as fault:
            refusal = Refusal(Reason.UPSTREAM_UNREACHABLE, f"`{origin.host}` cannot be reached: {fault.strerror}")
        else:
            return protocol
    return refusal
