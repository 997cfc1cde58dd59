"""A server as `tf server` runs it, on a core of its own, with an agent that may ask."""

from __future__ import annotations

import os
import socket
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Final

import httpx

from bench import machine
from bench.machine import Cores
from tameflare.core.errors import TameFlareError

PASSWORD: Final = "correct horse battery staple"
POLICIES: Final = 100
THAT_CAN_MATCH: Final = 5
"""Each has two rules."""
START_SECONDS: Final = 60.0
_POLICY: Final = """
name: mail-{number}
scope: {{action_types: ["{types}"]}}
rules:
  - name: inside
    conditions:
      all:
        - {{field: parameters.to, operator: ends_with, value: "@example.com"}}
        - {{field: parameters.priority, operator: less_than, value: {number}0}}
    decision: allow
  - name: abroad
    conditions: {{field: parameters.to, operator: ends_with, value: ".{number}.test"}}
    decision: deny
"""


@dataclass
class Plant:
    """A running server. `key` is an agent's, `link` a proxy's token; `cores` says who runs where."""

    port: int
    pid: int
    directory: Path
    key: str
    link: str
    agent: str
    gateway: str
    cores: Cores

    def recorded(self) -> int:
        """Decisions on disk."""
        return self._count("tameflare.db", "action_requests")

    def rows(self) -> int:
        """Requests of proxies on disk."""
        path = self.directory / "data" / "server" / "traffic.db"
        with closing(sqlite3.connect(f"file:{path}?mode=ro", uri=True)) as file:
            months = file.execute("SELECT name FROM sqlite_master WHERE name GLOB 'traffic_[0-9]*' AND type = 'table'")
            return sum(self._count("traffic.db", name) for (name,) in months)

    def _count(self, name: str, table: str) -> int:
        path = self.directory / "data" / "server" / name
        with closing(sqlite3.connect(f"file:{path}?mode=ro", uri=True)) as file:
            return int(file.execute(f"SELECT count(*) FROM {table}").fetchone()[0])


@contextmanager
def running() -> Iterator[Plant]:
    """Raises TameFlareError where the server does not start."""
    cores = Cores.of_this_machine()
    with TemporaryDirectory() as directory, _server(Path(directory)) as (process, port):
        yield _set_up(process, port, Path(directory), cores)


@contextmanager
def _server(directory: Path) -> Iterator[tuple[subprocess.Popen[str], int]]:
    port = _free_port()
    kept = {name: value for name, value in os.environ.items() if name in {"PATH", "HOME", "LANG"}}
    settings = {"TF_PORT": str(port), "TF_DATA_DIR": str(directory / "data"), "SETTINGS_ENCRYPTION_KEY": "5c" * 32}
    with (directory / "log").open("w") as log:
        process = subprocess.Popen(
            [sys.executable, "-m", "tameflare.control"],
            env=kept | settings,
            stdout=subprocess.PIPE,
            stderr=log,
            text=True,
        )
        try:
            yield process, port
        finally:
            process.terminate()
            process.communicate(timeout=30)


def _free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return int(listener.getsockname()[1])


def _set_up(process: subprocess.Popen[str], port: int, directory: Path, cores: Cores) -> Plant:
    assert process.stdout is not None
    line = next((line for line in process.stdout if line.startswith("Set-up code: ")), "")
    if not line:
        raise TameFlareError("the server did not start", (directory / "log").read_text()[-1000:])
    machine.pin(process.pid, cores.proxy)
    with httpx.Client(base_url=f"http://127.0.0.1:{port}", trust_env=False, timeout=30) as client:
        owner = {"name": "Bench", "email": "bench@example.com", "password": PASSWORD}
        made = _done(client.post("/api/dashboard/register", json={**owner, "setup_code": line.split()[-1]}))
        client.headers["Authorization"] = f"Bearer {made['token']}"
        gateways = "/api/dashboard/gateways"
        body = {"name": "bench", "policy_only": True, "rate_limit_per_minute": 1_000_000}
        gateway = _done(client.post(gateways, json=body))
        _done(client.post("/api/dashboard/policies/apply", json={"files": [{"text": _policies()}]}))
        agent = _done(client.get(f"{gateways}/bench/agents"))["items"][0]
        key = _done(client.post(f"{gateways}/bench/agents/{agent['name']}/keys", json={}))["key"]
        link = _done(client.post("/api/dashboard/proxies", json={"name": "bench"}))["token"]
    return Plant(port, process.pid, directory, key, link, agent["id"], gateway["id"], cores)


def _policies() -> str:
    types = ["email.*" if number < THAT_CAN_MATCH else f"other{number}.*" for number in range(POLICIES)]
    return "---".join(_POLICY.format(number=number, types=kind) for number, kind in enumerate(types, 1))


def _done(answer: httpx.Response) -> Any:
    if answer.is_error:
        raise TameFlareError(f"{answer.request.url.path} answered {answer.status_code}", answer.text[:500])
    return answer.json()
