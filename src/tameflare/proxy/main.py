"""The proxy process: puts its parts together, serves, and stops without losing a record."""

from __future__ import annotations

import asyncio
import contextlib
import gc
import hashlib
import hmac
import secrets
import signal
import socket
import sys
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

import structlog
import uvloop

from tameflare import settings as names
from tameflare.core.addresses import is_loopback
from tameflare.core.compile import CompiledConfiguration
from tameflare.core.config import Configuration
from tameflare.core.errors import SettingError, TameFlareError
from tameflare.core.killswitch import LocalSwitch
from tameflare.core.secret import Secret
from tameflare.link.messages import ApprovalAnswered, Bundle
from tameflare.listening import BACKLOG, listen
from tameflare.process import harden, hold_lock, inherited_socket, private_directory, raise_file_limit
from tameflare.proxy.allowance import Allowance
from tameflare.proxy.ca import CertificateAuthority
from tameflare.proxy.context import Context
from tameflare.proxy.dialer import Dialer
from tameflare.proxy.feed import Feed
from tameflare.proxy.holds import Holds
from tameflare.proxy.identity import Authenticator
from tameflare.proxy.local_socket import LocalSocket
from tameflare.proxy.local_switch import Change, LocalSwitches
from tameflare.proxy.metrics import Metrics
from tameflare.proxy.outbox import Outbox
from tameflare.proxy.pool import Pool
from tameflare.proxy.questions import LinkQuestions
from tameflare.proxy.resolver import Resolver
from tameflare.proxy.rounds import go_round
from tameflare.proxy.routing import Served
from tameflare.proxy.runs import Runs
from tameflare.proxy.server import ClientConnection
from tameflare.proxy.shipping import Shipping
from tameflare.proxy.spool import Spool
from tameflare.proxy.state import Limits, ProxyState
from tameflare.proxy.tasks import Tasks
from tameflare.proxy.tls_context import upstream_context
from tameflare.settings import Settings
from tameflare.telemetry import configure_logs

log = structlog.get_logger(__name__)

TOKEN_WAIT_SECONDS: Final = 30.0
SWEEP_SECONDS: Final = 1.0


def main() -> int:
    """Entry of `tf proxy` and of `python -m tameflare.proxy`; the exit code."""
    settings = Settings()
    try:
        settings.check()
        configure_logs(settings)
        harden()
        serve(settings, inherited_socket())
    except TameFlareError as fault:
        print(f"tf: {fault}", file=sys.stderr)  # noqa: T201
        return 2
    return 0


def serve(settings: Settings, listener: socket.socket | None = None) -> None:
    """Run until SIGTERM or SIGINT. Raises TameFlareError for what keeps the proxy from starting."""
    refuse_plaintext(settings.get(names.PROXY_HOST))
    files = raise_file_limit()
    wide = settings.get(names.ALLOW_WIDE_PERMISSIONS)
    directory = private_directory(settings.get(names.DATA_DIR) / "proxy", allow_wide=wide)
    with hold_lock(directory / "proxy.lock", "proxy"):
        if listener is None:
            listener = listen(settings, names.PROXY_HOST, names.PROXY_PORT)
        with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
            runner.run(Plane(settings, directory, listener, files).run())


def refuse_plaintext(host: str) -> None:
    """Tokens come over this listener without TLS, so they must not cross a network. Raises SettingError."""
    if not is_loopback(host):
        raise SettingError(
            f"TF_PROXY_HOST `{host}` is not a loopback address and this proxy speaks no TLS to agents",
            "leave it at 127.0.0.1 and run a proxy on each machine that has agents, with TF_LINK_TOKEN",
        )


def limits_of(settings: Settings, files: int) -> Limits:
    """`files` may be open at a time: a connection of an agent takes one, and one more while a request is under way."""
    sensitive = settings.get(names.SENSITIVE_QUERY).lower().split(",")
    return Limits(
        max_body=settings.get(names.MAX_BODY),
        max_held_body=settings.get(names.MAX_HELD_BODY),
        max_connections=min(settings.get(names.MAX_CONNECTIONS), files * 3 // 8),
        max_unauthenticated=settings.get(names.MAX_UNAUTHENTICATED),
        each_agent=Allowance(
            settings.get(names.MAX_TUNNELS), settings.get(names.MAX_BUFFERED), settings.get(names.MAX_HELD_REQUESTS)
        ),
        config_max_age=settings.get(names.CONFIG_MAX_AGE),
        connect_timeout=settings.get(names.CONNECT_TIMEOUT),
        idle_timeout=settings.get(names.IDLE_TIMEOUT),
        total_timeout=settings.get(names.TOTAL_TIMEOUT),
        client_idle_timeout=settings.get(names.CLIENT_IDLE_TIMEOUT),
        head_timeout=settings.get(names.HEAD_TIMEOUT),
        stop_timeout=settings.get(names.STOP_TIMEOUT),
        sensitive_query=frozenset(filter(None, (name.strip() for name in sensitive))),
        record_or_deny=settings.get(names.SPOOL_FULL) == "deny",
        approval_timeout=settings.get(names.APPROVAL_TIMEOUT),
    )


async def link_token(settings: Settings, directory: Path) -> Secret:
    """The token of TF_LINK_TOKEN, or the one that the server of `tf up` leaves beside us."""
    given = settings.get(names.LINK_TOKEN)
    if given is not None:
        return given
    path = directory / "link.token"
    give_up = time.monotonic() + TOKEN_WAIT_SECONDS
    while not path.exists():
        if time.monotonic() > give_up:
            raise SettingError(
                f"no link token: TF_LINK_TOKEN is unset and `{path}` is missing",
                "run `tf up`, or make a proxy's token on the control plane",
            )
        await asyncio.sleep(0.05)
    return Secret(path.read_text().strip())


class Plane:
    """Everything that lives as long as the process."""

    def __init__(self, settings: Settings, directory: Path, listener: socket.socket, files: int) -> None:
        self._settings = settings
        self._directory = directory
        self._listener = listener
        self._limits = limits_of(settings, files)
        self._most_idle = files // 8
        self._upstream = upstream_context(settings.get(names.UPSTREAM_CA))
        self._authority = CertificateAuthority.open(
            directory, lambda: datetime.now(UTC), allow_wide=settings.get(names.ALLOW_WIDE_PERMISSIONS)
        )
        self._spool = Spool(
            directory / "spool",
            secrets.token_hex(8),
            max_bytes=settings.get(names.SPOOL_MAX_BYTES),
            fsync_interval=settings.get(names.FSYNC_INTERVAL),
        )
        self._tasks = Tasks()

    async def run(self) -> None:
        token = await link_token(self._settings, self._directory)
        server_url = self._settings.get(names.SERVER_URL)
        self._questions = LinkQuestions(server_url, token, self._tasks)
        self._shipping = Shipping(server_url, token, self._directory / "spool")
        self._feed = Feed(
            server_url,
            token,
            self._directory,
            self._apply,
            time.time,
            {ApprovalAnswered: self._answered},
            backlog=lambda: self._shipping.waiting_bytes,
        )
        self._context = self._make_context(token)
        self._switches = LocalSwitches(self._directory, time.time, self._compiled, self._switched, self._note)
        local = LocalSocket(self._directory, self._switches)
        await self._feed.load()
        self._state.check_age()
        self._tasks.start(self._feed.run())
        self._tasks.start(self._shipping.run())
        self._tasks.start(self._sweep())
        stopping = asyncio.Event()
        loop = asyncio.get_running_loop()
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, stopping.set)
        await local.start()
        server = await loop.create_server(lambda: ClientConnection(self._context), sock=self._listener, backlog=BACKLOG)
        settle_garbage_collection()
        host, port = self._listener.getsockname()[:2]
        log.info("proxy listens", host=host, port=port, version=self._feed.version)
        await stopping.wait()
        server.close()
        local.close()
        await self._stop()

    def _make_context(self, token: Secret) -> Context:
        loop = asyncio.get_running_loop()
        self._state = ProxyState(self._limits, time.time, time.monotonic, lambda: self._feed.age(time.time()))
        key = hmac.new(token.reveal().encode(), b"tameflare run tokens v1", hashlib.sha256).digest()
        runs = Runs(key, time.monotonic)
        pool = Pool(time.monotonic, self._most_idle)
        resolver = Resolver(self._settings.get(names.RESOLVE))
        context = Context(
            state=self._state,
            outbox=Outbox(self._spool, loop.call_soon, self._limits.record_or_deny),
            pool=pool,
            dialer=Dialer(
                resolver,
                self._upstream,
                pool,
                self._tasks,
                self._limits.connect_timeout,
                self._settings.get(names.UPSTREAM_PROXY),
            ),
            authority=self._authority,
            authenticator=Authenticator(runs, time.time),
            runs=runs,
            metrics=self._metrics(),
            tasks=self._tasks,
            soon=loop.call_soon,
            health=self._health,
            own_hosts=frozenset((self._settings.get(names.PROXY_HOST),)),
            holds=Holds(
                self._questions, self._spool.epoch, self._version, time.monotonic, self._limits.approval_timeout
            ),
        )
        self._metrics_of(context)
        return context

    def _metrics(self) -> Metrics:
        metrics = Metrics()
        metrics.gauge("config_age_seconds", "Since the last word of the control plane.", self._age)
        metrics.gauge("config_version", "Version being served.", lambda: self._feed.version)
        metrics.gauge("spool_bytes", "Records on disk that wait for delivery.", lambda: self._spool.backlog_bytes)
        metrics.counter("records", "Records that reached the spool.", lambda: self._spool.sequence)
        metrics.counter("records_refused", "Records that could not be written.", lambda: self._spool.refused)
        return metrics

    def _metrics_of(self, context: Context) -> None:
        context.metrics.gauge("active_connections", "Agents' connections.", lambda: len(context.connections))
        context.metrics.gauge("approvals_pending", "Requests that wait for people.", lambda: len(context.holds))
        watch_limits(context)
        context.metrics.gauge("kill_switch_active", "Whether any scope is on.", lambda: float(self._killed()))

    def _answered(self, answer: ApprovalAnswered) -> None:
        self._context.holds.answered(answer)

    def _version(self) -> int:
        """Of the configuration being served; 0 before there is one."""
        return self._state.served.version if self._state.served is not None else 0

    def _age(self) -> float:
        return self._feed.age(time.time())

    def _killed(self) -> bool:
        compiled = self._compiled()
        return bool(self._switches.on) or (compiled is not None and compiled.killed)

    def _compiled(self) -> CompiledConfiguration | None:
        served = self._state.served
        return served.compiled if served is not None else None

    def _switched(self, on: tuple[LocalSwitch, ...]) -> None:
        """Put this proxy's own kill switches in force, for what is under way as well."""
        compiled = self._compiled()
        if compiled is not None:
            compiled.throw(on)
        self._recheck()

    def _note(self, change: Change) -> None:
        now = time.time()
        self._context.outbox.note(change.record(self._state.new_request_id(now), now, self._feed.version))

    def _recheck(self) -> None:
        """Cut, now, what may no longer be under way."""
        go_round(self._context.connections, lambda connection: connection.recheck())

    async def _apply(self, configuration: Configuration, bundle: Bundle) -> None:
        """Compile off the loop, then switch in one step."""
        served = await asyncio.to_thread(Served, configuration, bundle)
        served.compiled.throw(self._switches.on)
        self._state.serve(served)
        self._recheck()
        self._context.holds.applied()
        log.info("configuration applied", version=served.version, gateways=len(served.gateways))

    def _health(self) -> dict[str, Any]:
        """What `/health` tells; ages in seconds."""
        served = self._state.served
        age = self._age()
        problems = [text for text in self._problems() if text]
        return {
            "status": "ok" if served is not None and not problems else "degraded",
            "configuration": {
                "version": self._feed.version,
                "age_seconds": None if age == float("inf") else round(age),
            },
            "levels": {} if served is None else {g.compiled.name: g.compiled.level for g in served.gateways.values()},
            "kill_switch": self._killed(),
            "local_kill_switches": [switch.scope for switch in self._switches.on],
            "connections": len(self._context.connections),
            "spool": {"bytes": self._spool.backlog_bytes, "waiting_bytes": self._shipping.waiting_bytes},
            "problems": problems,
        }

    def _problems(self) -> tuple[str, ...]:
        return (self._feed.problem, self._spool.problem, self._shipping.problem, self._switches.problem)

    async def _sweep(self) -> None:
        """Time-outs of all connections, about once a second."""
        while True:
            await asyncio.sleep(SWEEP_SECONDS)
            self._state.check_age()
            go_round(self._context.connections, lambda connection: connection.sweep(time.monotonic()))
            self._context.pool.sweep()
            self._context.holds.sweep(time.monotonic())
            self._context.metrics.settle()

    async def _stop(self) -> None:
        """Let requests in flight end within TF_STOP_TIMEOUT, cut the rest, and keep every record."""
        context = self._context
        context.stopping = True
        give_up = time.monotonic() + self._limits.stop_timeout
        while context.connections and time.monotonic() < give_up:
            for connection in list(context.connections):
                if connection.idle:
                    connection.close()
                elif connection.waits:
                    connection.stop()
            await asyncio.sleep(0.02)
        for connection in list(context.connections):
            connection.stop()
        context.pool.close()
        await asyncio.sleep(0)
        context.outbox.flush()
        with contextlib.suppress(asyncio.CancelledError):
            await self._tasks.stop()
        await self._questions.close()
        self._spool.close()
        log.info("proxy stopped")


def watch_limits(context: Context) -> None:
    """How near the limits are, and what they have stopped."""
    metrics, admission, allowances = context.metrics, context.admission, context.allowances
    metrics.gauge("connections_max", "Connections that may be open.", lambda: admission.most)
    metrics.gauge("unauthenticated_connections", "Connections without a token.", lambda: admission.strangers)
    metrics.gauge("buffered_bytes", "Bodies kept in memory.", lambda: allowances.buffered)
    metrics.counter("connections_turned_away", "Over TF_MAX_CONNECTIONS.", lambda: admission.turned_away)
    metrics.counter("connections_evicted", "Cut for having shown no token.", lambda: admission.evicted)
    metrics.counter("agent_limit_tunnels", "Over TF_MAX_TUNNELS.", lambda: allowances.refused["tunnels"])
    metrics.counter("agent_limit_buffered", "Over TF_MAX_BUFFERED.", lambda: allowances.refused["buffered"])
    metrics.counter("agent_limit_held", "Over TF_MAX_HELD_REQUESTS.", lambda: allowances.refused["held"])


def settle_garbage_collection() -> None:
    """What lives as long as the process need not be looked at again; young garbage is collected less often."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(50_000, 20, 100)
