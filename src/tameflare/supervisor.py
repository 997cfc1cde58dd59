"""`tf up`: binds both listening sockets, runs server and proxy as children, starts them again, stops them cleanly.

The sockets belong to this process for its whole life: a child that starts anew finds the connections that came in
meanwhile waiting. Children are in process groups of their own, so that Ctrl-C reaches only this process, which then
stops the proxy first and the server after it. Should this process be killed, the kernel stops the children.
"""

from __future__ import annotations

import asyncio
import contextlib
import ctypes
import os
import signal
import socket
import ssl
import sys
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Final

from tameflare import settings
from tameflare.core.errors import TameFlareError
from tameflare.listening import listen
from tameflare.listening_tls import main_listener_speaks_tls
from tameflare.process import LISTEN_FD, harden, private_directory
from tameflare.setting_keys import check_pair
from tameflare.settings import Settings

READY_SECONDS: Final = 60.0
SCHEMA_MISMATCH: Final = 3
"""What the server ends with where its database has another schema."""
_FIRST_PAUSE: Final = 0.2
_LONGEST_PAUSE: Final = 30.0
_STEADY_SECONDS: Final = 60.0
_PR_SET_PDEATHSIG: Final = 1
_ANYWHERE: Final = {"0.0.0.0": "127.0.0.1", "::": "::1", "": "127.0.0.1"}  # noqa: S104 - only compared
_MARGIN_SECONDS: Final = 2.0
_SERVER_SECRETS: Final = frozenset(
    {"SETTINGS_ENCRYPTION_KEY", "SETTINGS_ENCRYPTION_KEY_PREVIOUS", "SIGNING_KEY_PRIVATE", "DASHBOARD_PASSWORD"}
    | {"SIGNING_KEY_PUBLIC", "DATABASE_URL", "PGPASSWORD", "PGPASSFILE", "TURSO_AUTH_TOKEN"}
)

_NO_CODE_FROM_HERE: Final = {"PYTHONSAFEPATH": "1"}
"""The directory that `tf up` is started in may be an agent's: what lies there is not imported."""

Say = Callable[[str], None]


def url_of(listener: socket.socket, scheme: str = "http") -> str:
    """Where a program on this machine reaches the listener."""
    host, port = listener.getsockname()[:2]
    near = _ANYWHERE.get(host, host)
    return f"{scheme}://[{near}]:{port}" if ":" in near else f"{scheme}://{near}:{port}"


@dataclass
class Child:
    """One process that is kept running; its listener speaks `scheme`. `ready` is set once it has answered a request."""

    name: str
    module: str
    listener: socket.socket
    health: str
    environment: Mapping[str, str]
    scheme: str = "http"
    ready: asyncio.Event = field(default_factory=asyncio.Event)
    process: asyncio.subprocess.Process | None = None

    async def start(self) -> asyncio.subprocess.Process:
        descriptor = self.listener.fileno()
        self.process = await asyncio.create_subprocess_exec(
            sys.executable,
            "-m",
            self.module,
            stdin=asyncio.subprocess.DEVNULL,
            env={**self.environment, **_NO_CODE_FROM_HERE, LISTEN_FD: str(descriptor)},
            pass_fds=(descriptor,),
            process_group=0,
            preexec_fn=_die_with_parent,
        )
        return self.process

    async def stop(self, seconds: float) -> None:
        """Ask it to stop, and kill it if it has not within that time."""
        if self.process is None or self.process.returncode is not None:
            return
        self.process.terminate()
        try:
            await asyncio.wait_for(self.process.wait(), seconds)
        except TimeoutError:
            self.process.kill()
            await self.process.wait()

    def kill(self) -> None:
        if self.process is not None and self.process.returncode is None:
            self.process.kill()


class Supervisor:
    """Runs the children until it is told to stop; `say` prints a line for people."""

    def __init__(self, environment: Settings, server: socket.socket, proxy: socket.socket, say: Say) -> None:
        scheme = "https" if main_listener_speaks_tls(environment) else "http"
        self.server_url, self.proxy_url = url_of(server), url_of(proxy, scheme)
        variables = child_variables(os.environ, server, proxy)
        self.server = Child(
            "server", "tameflare.control", server, "/api/health", {**variables, settings.LOCAL_PROXY.name: "1"}
        )
        self.proxy = Child("proxy", "tameflare.proxy", proxy, "/health", without_server_secrets(variables), scheme)
        self._stop_seconds = environment.get(settings.STOP_TIMEOUT)
        self._say = say
        self._stopping = asyncio.Event()

    async def run(self, on_ready: Callable[[], None]) -> None:
        """Until a signal asks to stop. Raises TameFlareError where a child cannot start at all."""
        loop = asyncio.get_running_loop()
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            loop.add_signal_handler(number, self._ask_to_stop)
        keepers = [asyncio.create_task(self._keep(child), name=child.name) for child in (self.server, self.proxy)]
        waiter = asyncio.create_task(self._announce(on_ready))
        stopping = asyncio.create_task(self._stopping.wait())
        try:
            await asyncio.wait([*keepers, stopping], return_when=asyncio.FIRST_COMPLETED)
            for keeper in keepers:
                if keeper.done():
                    keeper.result()
        finally:
            self._stopping.set()
            waiter.cancel()
            await self._stop()
            await asyncio.gather(*keepers, waiter, stopping, return_exceptions=True)

    def _ask_to_stop(self) -> None:
        if self._stopping.is_set():
            self.proxy.kill()
            self.server.kill()
        self._stopping.set()

    async def _stop(self) -> None:
        """Proxy first: its last records still find the server. Each keeps to TF_STOP_TIMEOUT; here is a margin."""
        deadline = time.monotonic() + self._stop_seconds
        await self.proxy.stop(self._stop_seconds + _MARGIN_SECONDS)
        await self.server.stop(max(deadline - time.monotonic(), 0) + _MARGIN_SECONDS)

    async def _keep(self, child: Child) -> None:
        """The proxy starts once the server has answered: by then the link token beside it is the valid one."""
        if child is self.proxy:
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self.server.ready.wait(), READY_SECONDS)
        pause = _FIRST_PAUSE
        while not self._stopping.is_set():
            began = time.monotonic()
            process = await child.start()
            await process.wait()
            if self._stopping.is_set():
                return
            if not child.ready.is_set():
                code = "schema_mismatch" if process.returncode == SCHEMA_MISMATCH else None
                raise TameFlareError(f"the {child.name} did not start", "the line above says why", code=code)
            if time.monotonic() - began > _STEADY_SECONDS:
                pause = _FIRST_PAUSE
            self._say(f"the {child.name} ended ({_how(process.returncode)}); starting it again in {pause:g} s")
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._stopping.wait(), pause)
            pause = min(pause * 2, _LONGEST_PAUSE)

    async def _announce(self, on_ready: Callable[[], None]) -> None:
        for child in (self.server, self.proxy):
            if await answers(url_of(child.listener, child.scheme), child.health, READY_SECONDS):
                child.ready.set()
            else:
                self._say(f"the {child.name} has not answered for {READY_SECONDS:g} s; look at its log")
                return
        on_ready()


def child_variables(own: Mapping[str, str], server: socket.socket, proxy: socket.socket) -> dict[str, str]:
    """The children's environment: ours, with the ports that were really bound (a port of 0 lets the system choose)."""
    return {
        **own,
        settings.PORT.name: str(server.getsockname()[1]),
        settings.PROXY_PORT.name: str(proxy.getsockname()[1]),
        settings.SERVER_URL.name: url_of(server),
    }


def without_server_secrets(variables: Mapping[str, str]) -> dict[str, str]:
    """The proxy's environment: what only the control plane may open is not in it."""
    return {name: value for name, value in variables.items() if name not in _SERVER_SECRETS}


async def answers(url: str, path: str, seconds: float) -> bool:
    """Whether a server at `url` answers a request for `path` within that time."""
    scheme, _, place = url.partition("://")
    host, _, port = place.rpartition(":")
    try:
        async with asyncio.timeout(seconds):
            tls = _unverified() if scheme == "https" else None
            reader, writer = await asyncio.open_connection(host.strip("[]"), int(port), ssl=tls)
            writer.write(f"GET {path} HTTP/1.1\r\nHost: {host}:{port}\r\nConnection: close\r\n\r\n".encode())
            status = await reader.readline()
            writer.close()
    except (OSError, TimeoutError):
        return False
    return status.startswith(b"HTTP/1.")


def _unverified() -> ssl.SSLContext:
    """The listener is our own socket, and nothing is told to it: what its certificate names does not matter."""
    context = ssl.create_default_context()
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    return context


def _how(code: int | None) -> str:
    return signal.Signals(-code).name if code is not None and code < 0 else f"exit code {code}"


_libc: Final = ctypes.CDLL(None) if sys.platform.startswith("linux") else None


def _die_with_parent() -> None:
    """In the child, before it becomes Python again: ask the kernel for SIGTERM when the supervisor is gone."""
    if _libc is not None:
        _libc.prctl(_PR_SET_PDEATHSIG, signal.SIGTERM, 0, 0, 0)


def up(environment: Settings, say: Say, on_ready: Callable[[Supervisor], None]) -> None:
    """Run server and proxy until Ctrl-C or SIGTERM. Raises TameFlareError where they cannot start."""
    environment.check()
    check_pair(environment.get(settings.SIGNING_KEY_PRIVATE), environment.get(settings.SIGNING_KEY_PUBLIC))
    harden()
    private_directory(environment.get(settings.DATA_DIR), allow_wide=environment.get(settings.ALLOW_WIDE_PERMISSIONS))
    with (
        listen(environment, settings.HOST, settings.PORT) as server,
        listen(environment, settings.PROXY_HOST, settings.PROXY_PORT) as proxy,
    ):
        asyncio.run(_run(environment, server, proxy, say, on_ready))


async def _run(
    environment: Settings,
    server: socket.socket,
    proxy: socket.socket,
    say: Say,
    on_ready: Callable[[Supervisor], None],
) -> None:
    supervisor = Supervisor(environment, server, proxy, say)
    await supervisor.run(lambda: on_ready(supervisor))
