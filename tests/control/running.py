"""The control plane as a real HTTP server inside a test, and people who talk to it."""

from __future__ import annotations

import asyncio
import socket
import ssl
import threading
from collections.abc import Callable, Coroutine, Iterator, Mapping
from concurrent.futures import Future
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final, TypeVar

import httpx
import uvicorn
from sqlalchemy import update
from tests.support.waiting import wait_for

from tameflare.control.app import create_app
from tameflare.control.services.context import Context
from tameflare.control.store.tables import users
from tameflare.control.wiring import Services
from tameflare.core.roles import Role
from tameflare.core.secret import Secret
from tameflare.settings import Settings

T = TypeVar("T")
fresh_database: Callable[[], Secret] | None = None
"""Where every control plane gets a database of PostgreSQL from that is not told of one; None: SQLite."""
placed: dict[Path, Secret] = {}
"""The databases of PostgreSQL by the directories of their control planes."""
KEY: Final = "5c" * 32
PASSWORD: Final = "correct horse battery"
GATEWAYS: Final = "/api/dashboard/gateways"
# No TLS is spoken here, and loading the authorities for each client would take longer than the request.
_UNUSED: Final = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)


class Clock:
    """Unix seconds and a steady clock that move only when told to."""

    def __init__(self) -> None:
        self.now = 1_800_000_000.0

    def __call__(self) -> float:
        return self.now


class Running:
    """A server, its services, and clients by role."""

    def __init__(self, url: str, services: Services, clock: Clock, loop: asyncio.AbstractEventLoop) -> None:
        self.url = url
        self.services = services
        self.clock = clock
        self._loop = loop
        self._clients: list[httpx.Client] = []

    def client(self, token: str = "") -> httpx.Client:
        headers = {"Authorization": f"Bearer {token}"} if token else {}
        client = httpx.Client(base_url=self.url, headers=headers, trust_env=False, timeout=30, verify=_UNUSED)
        self._clients.append(client)
        return client

    def register(self, name: str, setup_code: str = "") -> dict[str, Any]:
        body = {"name": name, "email": f"{name.lower()}@example.com", "password": PASSWORD, "setup_code": setup_code}
        answer = self.client().post("/api/dashboard/register", json=body)
        assert answer.status_code == 201, answer.text
        return dict(answer.json())

    def owner(self) -> httpx.Client:
        """Registers the owner."""
        return self.client(self.register("Owner", self.services.setup_code.make())["token"])

    def person(self, role: Role) -> httpx.Client:
        """Registers somebody and gives him a role."""
        made = self.register(role.value.title())
        change = update(users).where(users.c.id == made["user"]["id"]).values(role=role.value)
        self.services.database.write_now(lambda connection: connection.execute(change).close())
        return self.client(made["token"])

    def start(self, work: Coroutine[Any, Any, T]) -> Future[T]:
        """Run a coroutine in the server's own loop, as the server's jobs do."""
        return asyncio.run_coroutine_threadsafe(work, self._loop)

    def call(self, work: Coroutine[Any, Any, T]) -> T:
        return self.start(work).result(30)

    def close(self) -> None:
        for client in self._clients:
            client.close()


def _placed(environment: Mapping[str, str], directory: Path) -> Mapping[str, str]:
    if "DATABASE_URL" in environment:
        return environment
    if fresh_database is not None and directory not in placed:
        placed[directory] = fresh_database()
    return {**environment, "DATABASE_URL": placed[directory].reveal()} if directory in placed else environment


@contextmanager
def running(directory: Path, environment: Mapping[str, str] | None = None) -> Iterator[Running]:
    """A server on a free port, over the databases in `directory`."""
    clock = Clock()
    settings = Settings(
        _placed(
            {"SETTINGS_ENCRYPTION_KEY": KEY, "TF_REGISTRATION": "open"} if environment is None else environment,
            directory,
        )
    )
    services = Services.open(directory, Context(settings, clock=clock, steady=clock))
    config = uvicorn.Config(
        create_app(services), log_config=None, access_log=False, lifespan="off", ws="none", timeout_graceful_shutdown=5
    )
    server = uvicorn.Server(config)
    with socket.create_server(("127.0.0.1", 0)) as listener:
        listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        loops: list[asyncio.AbstractEventLoop] = []

        async def serve() -> None:
            loops.append(asyncio.get_running_loop())
            await server.serve(sockets=[listener])

        thread = threading.Thread(target=lambda: asyncio.run(serve()))
        thread.start()
        wait_for(lambda: server.started, "the server")
        made = Running(f"http://127.0.0.1:{listener.getsockname()[1]}", services, clock, loops[0])
        try:
            yield made
        finally:
            made.close()
            services.close_waits()
            server.should_exit = True
            thread.join()
            services.close()
