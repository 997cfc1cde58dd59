"""The proxy's parts for as long as the process lives: put together, supplied with configurations, ended in order."""

from __future__ import annotations

import asyncio
import contextlib
import gc
import secrets
import signal
import socket
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

import structlog

from tameflare import settings as names
from tameflare.core.config import Configuration
from tameflare.core.killswitch import LocalSwitch
from tameflare.core.secret import Secret
from tameflare.link.messages import ApprovalAnswered, Bundle, ExecuteJob
from tameflare.proxy.ca import CertificateAuthority
from tameflare.proxy.context import Context
from tameflare.proxy.dialer import Dialer
from tameflare.proxy.executor import Executor
from tameflare.proxy.feed import Feed
from tameflare.proxy.front import Front, FrontHosts
from tameflare.proxy.health import Health
from tameflare.proxy.holds import Holds
from tameflare.proxy.identity import Authenticator
from tameflare.proxy.job_link import JobLink
from tameflare.proxy.limits import limits_of
from tameflare.proxy.link_token import link_token
from tameflare.proxy.listener_tls import listener_tls
from tameflare.proxy.local_socket import LocalSocket
from tameflare.proxy.local_switch import Change, LocalSwitches
from tameflare.proxy.metrics import Metrics
from tameflare.proxy.outbox import Outbox
from tameflare.proxy.passage import Passage
from tameflare.proxy.pool import Pool
from tameflare.proxy.questions import LinkQuestions
from tameflare.proxy.resolver import Resolver
from tameflare.proxy.rounds import go_round, stroll_round
from tameflare.proxy.routing import Served
from tameflare.proxy.runs import Runs, key_of_runs
from tameflare.proxy.shipping import Shipping
from tameflare.proxy.spool import Spool
from tameflare.proxy.state import ProxyState
from tameflare.proxy.tasks import Tasks
from tameflare.proxy.totals import Totals
from tameflare.proxy.upstream_tls import upstream_context
from tameflare.settings import Settings

log = structlog.get_logger(__name__)

SWEEP_SECONDS: Final = 1.0
STOP_LOOK_SECONDS: Final = 0.02


class Plane:
    """`files` may be open at a time. What `__init__` finds wrong keeps the proxy from starting: TameFlareError."""

    def __init__(
        self,
        settings: Settings,
        directory: Path,
        listener: socket.socket,
        secured: socket.socket | None,
        files: int,
    ) -> None:
        self._settings = settings
        self._directory = directory
        self._limits = limits_of(settings, files)
        self._most_idle = files // 8
        self._upstream = upstream_context(settings.get(names.UPSTREAM_CA))
        self._authority = CertificateAuthority.open(
            directory, utc_now, allow_wide=settings.get(names.ALLOW_WIDE_PERMISSIONS)
        )
        self._front = Front(listener, secured, listener_tls(settings, self._authority, utc_now))
        self._spool = Spool(
            directory / "spool",
            secrets.token_hex(8),
            max_bytes=settings.get(names.SPOOL_MAX_BYTES),
            fsync_interval=settings.get(names.FSYNC_INTERVAL),
        )
        self._tasks = Tasks()

    async def run(self) -> None:
        """Serve until SIGTERM or SIGINT."""
        self._put_together(await link_token(self._settings, self._directory))
        await self._feed.load()
        self._state.check_age()
        for work in (self._feed.run(), self._shipping.run(), self._sweep()):
            self._tasks.start(work)
        stopping = told_to_stop()
        await self._local.start()
        await self._front.open(self._context, self._feed.version)
        settle_garbage_collection()
        await stopping.wait()
        self._front.close()
        self._local.close()
        await self._stop()

    # --- putting together

    def _put_together(self, token: Secret) -> None:
        server_url = self._settings.get(names.SERVER_URL)
        self._questions = LinkQuestions(server_url, token, self._tasks)
        self._passage = Passage(server_url, self._tasks)
        self._state = ProxyState(self._limits, time.time, time.monotonic, lambda: self._feed.age(time.time()))
        holds = self._make_holds()
        self._shipping = Shipping(server_url, token, self._directory / "spool")
        self._feed = Feed(
            server_url,
            token,
            self._directory,
            self._apply,
            time.time,
            {ApprovalAnswered: holds.answered, ExecuteJob: self._execute},
            backlog=lambda: self._shipping.waiting_bytes,
            epoch=self._spool.epoch,
        )
        self._context = self._make_context(token, holds)
        self._executor = Executor(self._context, JobLink(server_url, token), self._spool.epoch)
        self._switches = LocalSwitches(
            self._directory, time.time, lambda: self._state.compiled, self._switched, self._note
        )
        self._local = LocalSocket(self._directory, self._switches)
        self._health = Health(
            self._context, self._feed, self._spool, self._shipping, self._switches, self._front, time.time
        )
        self._health.watch()

    def _make_context(self, token: Secret, holds: Holds) -> Context:
        loop = asyncio.get_running_loop()
        runs = Runs(key_of_runs(token), time.monotonic)
        pool = Pool(time.monotonic, self._most_idle)
        return Context(
            state=self._state,
            outbox=Outbox(self._spool, loop.call_soon, self._limits.record_or_deny),
            pool=pool,
            dialer=self._make_dialer(pool),
            authority=self._authority,
            authenticator=Authenticator(runs, time.time),
            runs=runs,
            metrics=Metrics(),
            tasks=self._tasks,
            soon=loop.call_soon,
            health=lambda: self._health.report(),  # noqa: PLW0108 - it is made later
            own_hosts=FrontHosts(self._settings.get(names.PROXY_HOST), self._front),
            holds=holds,
            totals=Totals(self._questions),
            passage=self._passage,
        )

    def _make_dialer(self, pool: Pool) -> Dialer:
        resolver = Resolver(self._settings.get(names.RESOLVE))
        upstream_proxy = self._settings.get(names.UPSTREAM_PROXY)
        return Dialer(resolver, self._upstream, pool, self._tasks, self._limits.connect_timeout, upstream_proxy)

    def _make_holds(self) -> Holds:
        wait = self._limits.approval_timeout
        return Holds(self._questions, self._spool.epoch, lambda: self._state.version, time.monotonic, wait)

    # --- what is in force

    def _execute(self, message: ExecuteJob) -> None:
        """A job came over the feed, which was there before who carries jobs out."""
        self._executor.take(message)

    async def _apply(self, configuration: Configuration, bundle: Bundle) -> None:
        """Compile off the loop, then switch in one step."""
        served = await asyncio.to_thread(Served, configuration, bundle)
        served.compiled.throw(self._switches.on)
        self._state.serve(served)
        self._recheck()
        self._context.holds.applied()
        log.info("configuration applied", version=served.version, gateways=len(served.gateways))

    def _switched(self, on: tuple[LocalSwitch, ...]) -> None:
        """Put this proxy's own kill switches in force, for what is under way as well."""
        compiled = self._state.compiled
        if compiled is not None:
            compiled.throw(on)
        self._recheck()

    def _note(self, change: Change) -> None:
        now = time.time()
        self._context.outbox.note(change.record(self._state.new_request_id(now), now, self._feed.version))

    def _recheck(self) -> None:
        """Cut, now, what may no longer be under way."""
        go_round(self._context.connections, lambda connection: connection.recheck())

    async def _sweep(self) -> None:
        """Time-outs of all connections, about once a second."""
        while True:
            await asyncio.sleep(SWEEP_SECONDS)
            self._state.check_age()
            await self._front.look()
            await stroll_round(self._context.connections, lambda connection: connection.sweep(time.monotonic()))
            self._context.pool.sweep()
            self._context.holds.sweep(time.monotonic())
            self._context.totals.sweep()
            self._context.metrics.settle()

    # --- the end

    async def _stop(self) -> None:
        """Let requests in flight end within TF_STOP_TIMEOUT, cut the rest, and keep every record."""
        context = self._context
        context.stopping = True
        await self._drain()
        for connection in list(context.connections):
            connection.stop()
        context.pool.close()
        await asyncio.sleep(0)
        context.outbox.flush()
        await self._executor.close()
        with contextlib.suppress(asyncio.CancelledError):
            await self._tasks.stop()
        await self._questions.close()
        await self._passage.close()
        self._spool.close()
        log.info("proxy stopped")

    async def _drain(self) -> None:
        """Wait for what is under way, but not for people."""
        connections = self._context.connections
        give_up = time.monotonic() + self._limits.stop_timeout
        while connections and time.monotonic() < give_up:
            for connection in list(connections):
                if connection.idle:
                    connection.close()
                elif connection.waits:
                    connection.stop()
            await asyncio.sleep(STOP_LOOK_SECONDS)


def told_to_stop() -> asyncio.Event:
    """Set at SIGTERM or SIGINT."""
    stopping = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stopping.set)
    return stopping


def utc_now() -> datetime:
    return datetime.now(UTC)


def settle_garbage_collection() -> None:
    """What lives as long as the process need not be looked at again; young garbage is collected less often."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(50_000, 20, 100)
