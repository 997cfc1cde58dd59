"""The control plane as a process: its socket, its start, its graceful stop."""

from __future__ import annotations

import asyncio
import gc
import logging
import os
import signal
import socket
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import structlog
import uvicorn
import uvloop

from tameflare.control.action_job import ActionJob
from tameflare.control.app import create_app
from tameflare.control.execution_end import ExecutionEnd
from tameflare.control.expiry import Expiry
from tameflare.control.retention import Retention
from tameflare.control.services.context import Context
from tameflare.control.services.keys import WRONG_KEY, WRONG_KEY_HELP
from tameflare.control.wiring import Services
from tameflare.core.addresses import is_loopback
from tameflare.core.errors import SettingError
from tameflare.listening import listen
from tameflare.process import harden, hold_lock, inherited_socket, private_directory, raise_file_limit
from tameflare.setting_keys import check_pair
from tameflare.settings import (
    ALLOW_WIDE_PERMISSIONS,
    DATA_DIR,
    HOST,
    LOCAL_PROXY,
    PORT,
    SIGNING_KEY_PRIVATE,
    SIGNING_KEY_PUBLIC,
    STOP_TIMEOUT,
    Settings,
)
from tameflare.telemetry import configure_logs

_log = structlog.get_logger("tameflare.control")


def serve(settings: Settings) -> None:
    """Run until SIGINT or SIGTERM. Raises TameFlareError, with what to do, where it cannot start."""
    settings.check()
    check_pair(settings.get(SIGNING_KEY_PRIVATE), settings.get(SIGNING_KEY_PUBLIC))
    _refuse_plaintext(settings)
    harden()
    raise_file_limit()
    configure_logs(settings)
    _forward_uvicorn()
    directory = private_directory(settings.get(DATA_DIR), allow_wide=settings.get(ALLOW_WIDE_PERMISSIONS))
    own = private_directory(directory / "server", allow_wide=settings.get(ALLOW_WIDE_PERMISSIONS))
    with (
        inherited_socket() or listen(settings, HOST, PORT) as listener,
        hold_lock(own / "server.lock", "server"),
        _opened(own, settings) as services,
        asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner,
    ):
        runner.run(_run(services, listener, directory))


@contextmanager
def _opened(directory: Path, settings: Settings) -> Iterator[Services]:
    services = Services.open(directory, Context(settings))
    try:
        yield services
    finally:
        services.close()


async def _run(services: Services, listener: socket.socket, directory: Path) -> None:
    settings = services.context.settings
    if settings.get(LOCAL_PROXY):
        proxy = private_directory(directory / "proxy", allow_wide=settings.get(ALLOW_WIDE_PERMISSIONS))
        await services.proxies.ensure_local(proxy / "link.token")
    await services.configuration.problems()
    await services.compiled.problems()
    if services.keys.problems:
        _warn_of_wrong_key()
    if not await services.users.anyone():
        _announce(services.setup_code.make(), settings)
    config = uvicorn.Config(
        create_app(services),
        log_config=None,
        access_log=False,
        server_header=False,
        proxy_headers=False,
        lifespan="off",
        ws="none",
        timeout_graceful_shutdown=max(1, int(settings.get(STOP_TIMEOUT))),
    )
    _spare_what_stays()
    recurring = (Retention(services), Expiry(services), ActionJob(services), ExecutionEnd(services))
    jobs = [asyncio.create_task(job.run()) for job in recurring]
    try:
        await _serve_until_told(_Server(config), services, listener)
    finally:
        for job in jobs:
            job.cancel()


def _spare_what_stays() -> None:
    """What was made at the start is never garbage: collections pass over it, and come seldom, so that no request waits
    for one. Threads that read records give way to the loop after half a millisecond, not after five."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(50_000, 20, 100)
    sys.setswitchinterval(0.0005)


class _Server(uvicorn.Server):
    """Leaves signals to `_serve_until_told`."""

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield


async def _serve_until_told(server: uvicorn.Server, services: Services, listener: socket.socket) -> None:
    """Answers everybody who waits in a long poll as soon as it is told to stop."""

    def stop() -> None:
        services.close_waits()
        server.force_exit = server.should_exit
        server.should_exit = True

    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, stop)
    host, port = listener.getsockname()[:2]
    _log.info("server_started", host=host, port=port, process=os.getpid())
    await server.serve(sockets=[listener])
    _log.info("server_stopped")


def _announce(code: str, settings: Settings) -> None:
    """`tf up` shows the code itself."""
    if not settings.get(LOCAL_PROXY):
        sys.stdout.write(
            f"Set-up code: {code}\nNobody has registered yet: /register in a browser, or `tf login`, takes it.\n"
        )
        sys.stdout.flush()


def _warn_of_wrong_key() -> None:
    """Once in the log, and once as a plain line for whoever started this."""
    _log.error("wrong_master_key", message=WRONG_KEY, help=WRONG_KEY_HELP)
    sys.stderr.write(f"\ntf: {WRONG_KEY}; {WRONG_KEY_HELP}\n\n")
    sys.stderr.flush()


def _refuse_plaintext(settings: Settings) -> None:
    host = settings.get(HOST)
    if not is_loopback(host):
        raise SettingError(
            f"TF_HOST `{host}` is not a loopback address and this server speaks no TLS",
            "leave it at 127.0.0.1 and put a TLS-terminating web server before it, with TF_PUBLIC_URL set",
        )


class _ToStructlog(logging.Handler):
    """The web server's own lines in our shape."""

    def emit(self, record: logging.LogRecord) -> None:
        kind = record.exc_info[0] if record.exc_info else None
        _log.log(record.levelno, "web_server", message=record.msg, fault=kind.__name__ if kind else None)


def _forward_uvicorn() -> None:
    logger = logging.getLogger("uvicorn.error")
    logger.handlers = [_ToStructlog(logging.WARNING)]
    logger.propagate = False
