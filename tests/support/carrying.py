"""The control plane over HTTP, a real proxy process on its link, and an upstream on TLS: to have actions executed."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from typing import Any, Final

import httpx
import trustme
from tests.control.running import GATEWAYS, Running, running
from tests.support.upstream import HEAD_END, Script, Talk, Upstream, answer
from tests.support.waiting import PATIENCE, wait_for

GITHUB: Final = "api.github.com"
HOOKS: Final = "hooks.example.test"
SERVICE: Final = "service.example.test"
CANARY: Final = "ghp_canary0123456789abcdefghijklmnopqrst"
_HOSTS: Final = (GITHUB, HOOKS, SERVICE)
_BASE: Final = f"{GATEWAYS}/main"


class Request:
    """A request as it reached the upstream."""

    def __init__(self, head: bytes, body: bytes) -> None:
        lines = head.decode("latin-1").split("\r\n")
        self.method, self.target, _ = lines[0].split(" ")
        self.headers = {name.lower(): value for name, _, value in (line.partition(": ") for line in lines[1:] if line)}
        self.body = body

    @property
    def json(self) -> Any:
        return json.loads(self.body)


class Carrying:
    """`speak` is what the upstream does with the next request; `requests` what has reached it."""

    def __init__(self, server: Running, upstream: Upstream, directory: Path, authority: trustme.CA) -> None:
        self.server = server
        self.upstream = upstream
        self.requests: list[Request] = []
        self.forget()
        self.owner = server.owner()
        self.directory = directory
        self._authority = authority
        self._process: subprocess.Popen[bytes] | None = None
        self._threads = ThreadPoolExecutor(8)
        upstream.script = self._script
        self._set_up()

    async def _script(self, talk: Talk) -> None:
        while True:
            head = await talk.head()
            length = [int(line[15:]) for line in head.lower().split(b"\r\n") if line.startswith(b"content-length:")]
            body = await talk.body(length[0]) if length else b""
            self.requests.append(Request(head.removesuffix(HEAD_END), body))
            await self.speak(talk)

    def forget(self) -> None:
        """The upstream answers as it usually does, and nothing has reached it."""
        self.say(b'{"number": 8}', "201 Created")
        self.requests.clear()

    def say(self, body: bytes, status: str = "200 OK", extra: bytes = b"Content-Type: application/json\r\n") -> None:
        """What the upstream answers from now on."""
        reply = answer(body, status, extra)

        async def speak(talk: Talk) -> None:
            await talk.say(reply)

        self.speak: Script = speak

    # --- the installation

    def _set_up(self) -> None:
        self.api("POST", GATEWAYS, {"name": "main", "rate_limit_per_minute": 100_000})
        for body in (
            {"type": "github", "secret": CANARY},
            {
                "type": "webhook",
                "name": "hooks",
                "domains": [HOOKS],
                "auth": "header",
                "auth_name": "X-Hook-Key",
                "secret": CANARY,
            },
            {"type": "generic", "name": "service", "domains": [SERVICE], "auth": "bearer", "secret": CANARY},
            {
                "type": "generic",
                "name": "nowhere",
                "domains": ["nowhere.example.test", "*.nowhere.example.test"],
                "auth": "bearer",
                "secret": CANARY,
            },
        ):
            self.api("POST", f"{_BASE}/connectors", body)
            self.rule(body.get("name", body["type"]), "**", "allow")
        self.api("POST", f"{_BASE}/agents", {"name": "another"})
        self.key, self.test_key = self.make_key("live"), self.make_key("test")
        self.other_key = self.make_key("live", "another")

    def api(self, method: str, path: str, body: object = None) -> Any:
        given = self.owner.request(method, path, json=body)
        assert given.is_success, (method, path, given.text)
        return given.json() if given.content else None

    def rule(self, connector: str, pattern: str, decision: str) -> None:
        self.api("POST", f"{_BASE}/rules", {"connector": connector, "pattern": pattern, "decision": decision})

    def make_key(self, kind: str, agent: str = "default") -> str:
        return str(self.api("POST", f"{_BASE}/agents/{agent}/keys", {"kind": kind})["key"])

    def agent(self, key: str = "") -> httpx.Client:
        return self.server.client(key or self.key)

    # --- the proxy

    def start(self) -> None:
        folder = self.directory / "data"
        (folder / "proxy").mkdir(parents=True, mode=0o700, exist_ok=True)
        folder.chmod(0o700)
        authority = self.directory / "ca.pem"
        self._authority.cert_pem.write_to_path(str(authority))
        self.link_token = self.link_token if hasattr(self, "link_token") else self._proxy()
        environment = {
            "PATH": os.environ["PATH"],
            "TF_DATA_DIR": str(folder),
            "TF_SERVER_URL": self.server.url,
            "TF_LINK_TOKEN": self.link_token,
            "TF_PROXY_PORT": "0",
            "TF_STOP_TIMEOUT": "0.2",
            "TF_UPSTREAM_CA": str(authority),
            "TF_RESOLVE": ",".join(f"{host}:443:127.0.0.1:{self.upstream.port}" for host in _HOSTS),
        }
        with (self.directory / "proxy.log").open("ab") as log:
            command = [sys.executable, "-m", "tameflare.proxy"]
            self._process = subprocess.Popen(command, env=environment, stderr=log, stdin=subprocess.DEVNULL)
        self.wait_for_configuration()

    def _proxy(self) -> str:
        return str(self.api("POST", "/api/dashboard/proxies", {"name": "one"})["token"])

    def wait_for_configuration(self) -> None:
        """Until the proxy has asked for news with the newest version."""

        def applied() -> bool:
            newest = self.api("GET", "/api/health")["version"]
            (proxy,) = self.api("GET", "/api/dashboard/proxies")["items"]
            return bool(proxy["version"] == newest and proxy["last_seen"])

        wait_for(applied, "the proxy has the newest configuration")

    def wait_for_word(self) -> None:
        """Until the proxy has said something by the time that it is now."""

        def spoke() -> bool:
            (proxy,) = self.api("GET", "/api/dashboard/proxies")["items"]
            return bool(proxy["last_seen"] >= int(self.server.clock.now))

        wait_for(spoke, "a word from the proxy")

    def stop(self, number: int = signal.SIGTERM) -> None:
        if self._process is not None:
            self._process.send_signal(number)
            self._process.wait(PATIENCE)
            self._process = None

    @property
    def log(self) -> str:
        return (self.directory / "proxy.log").read_text()

    # --- the agent

    def ask(self, kind: str, parameters: dict[str, Any], key: str = "", **more: Any) -> dict[str, Any]:
        given = self.agent(key).post("/api/v1/actions", json={"type": kind, "parameters": parameters, **more})
        assert given.status_code == 200, given.text
        return dict(given.json())

    def execute(self, asked: dict[str, Any], key: str = "", token: str = "") -> httpx.Response:
        body = {"decision_token": token or asked["decision_token"]}
        return self.agent(key).post(f"/api/v1/actions/{asked['action_request_id']}/execute", json=body)

    def begin(self, asked: dict[str, Any]) -> Future[httpx.Response]:
        """Execute in the background."""
        return self._threads.submit(self.execute, asked)

    def look(self, asked: dict[str, Any]) -> dict[str, Any]:
        return dict(self.agent().get(f"/api/v1/actions/{asked['action_request_id']}").json())

    def close(self) -> None:
        self.stop()
        self._threads.shutdown()


@contextlib.contextmanager
def carrying(directory: Path, environment: dict[str, str] | None = None) -> Iterator[Carrying]:
    """Everything but the proxy, which is started by `start`; stopped at the end."""
    authority = trustme.CA()
    upstream = Upstream(authority.issue_cert(*_HOSTS))
    with running(directory, environment) as server, upstream.running():
        made = Carrying(server, upstream, directory, authority)
        try:
            yield made
        finally:
            made.close()
