"""Dialling an upstream: resolved once, guarded, connected by the address that was checked, and verified."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import Callable, Coroutine
from typing import Any, Protocol, TypeVar

from tameflare.core.addresses import AddressGuard
from tameflare.core.decision import Reason
from tameflare.proxy.hop import connect_through
from tameflare.proxy.origin import Origin
from tameflare.proxy.refusal import Refusal
from tameflare.proxy.resolver import Place, Resolver
from tameflare.proxy.tasks import Tasks
from tameflare.proxy.upstream import Keeper, Key, UpstreamConnection
from tameflare.setting_values import UpstreamProxy
from tameflare.wire.tls import TlsFault, TlsShell

P = TypeVar("P", bound=asyncio.Protocol)


class Waiter(Protocol):
    """Who waits for a connection."""

    def connected(self, connection: UpstreamConnection) -> None: ...

    def unreachable(self, refusal: Refusal) -> None: ...


class Dialer:
    """Dials in the background and hands the connection, or the reason why there is none, to whoever waits."""

    def __init__(
        self,
        resolver: Resolver,
        context: ssl.SSLContext,
        keeper: Keeper,
        tasks: Tasks,
        timeout: float,
        via: UpstreamProxy | None = None,
    ) -> None:
        self._via = via
        self._resolver = resolver
        self._context = context
        self._keeper = keeper
        self._tasks = tasks
        self._timeout = timeout

    def dial(self, key: Key, origin: Origin, guard: AddressGuard, waiter: Waiter) -> None:
        self._tasks.start(self._serve(key, origin, guard, waiter))

    async def _serve(self, key: Key, origin: Origin, guard: AddressGuard, waiter: Waiter) -> None:
        found = await self._in_time(origin, self._verified(key, origin, guard))
        if isinstance(found, Refusal):
            waiter.unreachable(found)
        else:
            waiter.connected(found)

    async def open(self, origin: Origin, guard: AddressGuard, make: Callable[[], P]) -> P | Refusal:
        """A bare TCP connection to a guarded address, for tunnels."""
        return await self._in_time(origin, self._connect(origin, guard, make))

    async def _in_time(self, origin: Origin, work: Coroutine[Any, Any, P | Refusal]) -> P | Refusal:
        try:
            async with asyncio.timeout(self._timeout):
                return await work
        except TimeoutError:
            way = _way(self._via)
            message = f"`{origin.host}` did not answer{way} within {self._timeout:g} seconds"
            return Refusal(Reason.UPSTREAM_TIMEOUT, message)

    async def _verified(self, key: Key, origin: Origin, guard: AddressGuard) -> UpstreamConnection | Refusal:
        """A connection on which requests may be sent: over TLS, its certificate was verified."""

        def make() -> UpstreamConnection:
            shell = None
            if origin.scheme == "https":
                shell = TlsShell(self._context, server_side=False, server_hostname=origin.host)
            return UpstreamConnection(key, self._keeper, shell, asyncio.get_running_loop().create_future())

        found = await self._connect(origin, guard, make)
        if isinstance(found, Refusal):
            return found
        try:
            await found.ready
        except TlsFault as fault:
            return _handshake_refusal(origin, fault)
        except OSError:
            return Refusal(Reason.UPSTREAM_INVALID, f"`{origin.host}` closed during the TLS handshake")
        except asyncio.CancelledError:
            found.discard()
            raise
        return found

    async def _connect(self, origin: Origin, guard: AddressGuard, make: Callable[[], P]) -> P | Refusal:
        targets = await self._resolver.resolve(origin.host, origin.port, guard)
        if isinstance(targets, Refusal):
            return _unresolved(targets) if self._via is not None else targets
        return await self._first(targets, origin, make)

    async def _first(self, targets: list[Place], origin: Origin, make: Callable[[], P]) -> P | Refusal:
        """The first address that answers; the last one's fault where none does."""
        refusal = Refusal(Reason.UPSTREAM_UNREACHABLE, f"`{origin.host}` cannot be reached")
        for target in targets:
            try:
                return await self._reach(target, make)
            except OSError as fault:
                message = f"`{origin.host}` cannot be reached{_way(self._via)}: {fault.strerror}"
                refusal = Refusal(Reason.UPSTREAM_UNREACHABLE, message)
        return refusal

    async def _reach(self, target: Place, make: Callable[[], P]) -> P:
        if self._via is None:
            _, protocol = await asyncio.get_running_loop().create_connection(make, *target)
            return protocol
        transport = await connect_through(self._via, target, self._context)
        protocol = make()
        transport.set_protocol(protocol)
        protocol.connection_made(transport)
        return protocol


def _way(via: UpstreamProxy | None) -> str:
    return f" through `{via}`" if via is not None else ""


def _unresolved(refusal: Refusal) -> Refusal:
    """A company's proxy might know the name, and is not asked: what it then dials, nobody here would have checked."""
    if refusal.reason is not Reason.UPSTREAM_UNREACHABLE:
        return refusal
    advice = "the upstream proxy is asked for addresses, so names must resolve on this machine, or be in TF_RESOLVE"
    return Refusal(refusal.reason, f"{refusal.message} here: {advice}")


def _handshake_refusal(origin: Origin, fault: TlsFault) -> Refusal:
    if fault.certificate:
        return Refusal(Reason.UPSTREAM_CERTIFICATE, f"certificate of `{origin.host}`: {fault.certificate}")
    return Refusal(Reason.UPSTREAM_INVALID, f"`{origin.host}` failed the TLS handshake: {fault.message}")
