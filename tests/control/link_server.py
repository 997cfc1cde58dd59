"""A control plane with nothing but the link, as a process that tests may kill.

`python -m tests.control.link_server DIRECTORY FD [BYTES]` serves on the listening socket FD; files may not grow beyond
BYTES, which stands in for a full disk.
"""

from __future__ import annotations

import resource
import signal
import socket
import sys
from pathlib import Path
from types import SimpleNamespace

import uvicorn
from fastapi import FastAPI

from tameflare.control.api.link import router
from tameflare.control.services.feed import FeedService
from tameflare.control.services.intake import Intake
from tameflare.control.store.engine import Database
from tameflare.control.store.proxies import Proxy
from tameflare.control.store.tables import metadata
from tameflare.control.store.traffic import TrafficStore
from tameflare.link.messages import Snapshot

TOKEN = "gwln_of_the_test"
PROXY = Proxy("prx_1", "local", "", True, 0)


class Proxies:
    """One proxy with one token; `told` is what was noted of it."""

    def __init__(self) -> None:
        self.token = TOKEN
        self.told: list[tuple[int | None, int | None]] = []

    async def authenticate(self, link_token: str) -> Proxy | None:
        return PROXY if link_token == self.token else None

    async def served(self, proxy: Proxy) -> frozenset[str] | None:
        return None

    async def seen(self, proxy: Proxy, *, version: int | None = None, backlog: int | None = None) -> None:
        self.told.append((version, backlog))


class Configuration:
    async def snapshot_for(self, proxy: Proxy, link_token: str) -> Snapshot:
        return Snapshot(7, b'{"version":7}', b"signature", link_token.encode())


def services(directory: Path) -> SimpleNamespace:
    database = Database.open(directory / "tameflare.db", busy_seconds=0.2)
    database.write_now(metadata.create_all)
    traffic = TrafficStore.open(directory / "traffic.db", busy_seconds=0.2)
    return SimpleNamespace(
        database=database,
        traffic=traffic,
        feed=FeedService(database),
        intake=Intake(traffic),
        proxies=Proxies(),
        configuration=Configuration(),
    )


def application(wired: SimpleNamespace) -> FastAPI:
    app = FastAPI()
    app.state.services = wired
    app.include_router(router)
    return app


def main() -> None:
    directory, descriptor = Path(sys.argv[1]), int(sys.argv[2])
    wired = services(directory)
    if len(sys.argv) > 3:
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        resource.setrlimit(resource.RLIMIT_FSIZE, (int(sys.argv[3]), int(sys.argv[3])))
    with socket.socket(fileno=descriptor) as listener:
        server = uvicorn.Server(uvicorn.Config(application(wired), log_level="error", lifespan="off"))
        server.run([listener])


if __name__ == "__main__":
    main()
