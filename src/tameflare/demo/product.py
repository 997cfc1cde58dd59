"""The whole product in a directory of its own: started by `tf up`, set up over its API, used by `tf run`."""

from __future__ import annotations

import os
import re
import secrets
import shutil
import signal
import socket
import ssl
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import Any, Final, Self

import httpx

from tameflare.core.errors import TameFlareError
from tameflare.demo.privileges import unprivileged

START_TIMEOUT = 45.0
STOP_TIMEOUT = 20.0
NO_TLS: Final = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
"""For requests by plain HTTP: it trusts nobody, and loading the authorities would take longer than the request."""
_SETUP_CODE = re.compile(r"\b[A-Z2-7]{4}(?:-[A-Z2-7]{4}){3}\b")
_PASSED_ON = ("PATH", "LANG", "LC_ALL", "TMPDIR", "LD_LIBRARY_PATH")


def wait_until(condition: Callable[[], bool], what: str, timeout: float = START_TIMEOUT) -> None:
    """Ask `condition` until it holds; TameFlareError naming `what` after `timeout` seconds."""
    pause = threading.Event()
    give_up = time.monotonic() + timeout
    while time.monotonic() < give_up:
        if condition():
            return
        pause.wait(0.05)
    raise TameFlareError(f"waited {timeout:.0f} s in vain for {what}")


def free_port() -> int:
    """A port on loopback that nobody listens on just now."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port: int = listener.getsockname()[1]
        return port


@dataclass(frozen=True)
class Connector:
    """What a gateway is to be given: a connector, its real credential, and access rules (pattern, decision)."""

    type: str
    credential: str
    rules: tuple[tuple[str, str], ...] = ()


@dataclass
class Product:
    """A running installation; a context manager. `pins` and `authority` lead the proxy to the doubles; with `tls` it
    listens in TLS as well."""

    directory: Path
    pins: str
    authority: Path
    settings: Mapping[str, str] = field(default_factory=dict)
    tls: bool = False

    def __post_init__(self) -> None:
        self.master_key = secrets.token_hex(32)
        self.password = secrets.token_urlsafe(18)
        self.personal_token = self.gateway_token = ""
        self.server = f"http://127.0.0.1:{free_port()}"
        self.proxy = f"http://127.0.0.1:{free_port()}"
        self.secured_proxy = f"https://localhost:{free_port()}"
        self.data, self.home = self.directory / "data", self.directory / "home"
        self.project, self.logs = self.directory / "project", self.directory / "logs"
        self._client = httpx.Client(base_url=self.server, timeout=30, trust_env=False, verify=NO_TLS)
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def pid(self) -> int:
        """The supervisor's process."""
        assert self._process is not None
        return self._process.pid

    def environment(self, *, secured: bool = False) -> dict[str, str]:
        """What a user of this installation has in his shell: no secret among it. `secured`: by the listener in TLS."""
        passed = {name: os.environ[name] for name in _PASSED_ON if name in os.environ}
        proxy = {"GATEWAY_URL": self.proxy}
        if secured:
            proxy = {"GATEWAY_URL": self.secured_proxy, "TF_PROXY_CA": str(self.data / "proxy" / "ca.pem")}
        return {**passed, "HOME": str(self.home), "TF_SERVER_URL": self.server, **proxy}

    def operator_environment(self) -> dict[str, str]:
        """What the operator's shell has, the master key among it."""
        return {
            **self.environment(),
            "TF_DATA_DIR": str(self.data),
            "TF_PORT": self.server.rpartition(":")[2],
            "TF_PROXY_PORT": self.proxy.rpartition(":")[2],
            "TF_RESOLVE": self.pins,
            "TF_UPSTREAM_CA": str(self.authority),
            "SETTINGS_ENCRYPTION_KEY": self.master_key,
            **(self.listener_in_tls() if self.tls else {}),
            **self.settings,
        }

    def listener_in_tls(self) -> dict[str, str]:
        """Settings for a second listener, with a certificate of the installation's own authority."""
        port = self.secured_proxy.rpartition(":")[2]
        return {"TF_PROXY_TLS_NAMES": "localhost", "TF_PROXY_TLS_PORT": port, "TF_PROXY_TLS_HOST": "127.0.0.1"}

    def start(self) -> None:
        """Start `tf up` and wait until server and proxy answer; may follow `stop`."""
        for path in (self.home, self.project, self.logs):
            path.mkdir(parents=True, exist_ok=True)
        with (self.logs / "up.out").open("ab") as out, (self.logs / "up.err").open("ab") as err:
            self._process = subprocess.Popen(  # noqa: S603 - our own program
                [*unprivileged(), *tf(), "up"], env=self.operator_environment(), cwd=self.home, stdout=out, stderr=err
            )
        wait_until(self._is_up, "`tf up`")

    def _is_up(self) -> bool:
        assert self._process is not None
        if self._process.poll() is not None:
            raise TameFlareError(f"`tf up` ended with {self._process.returncode}", self.log_text()[-2000:])
        return self.answers(self.server + "/api/health") and self.answers(self.proxy + "/health")

    @staticmethod
    def answers(url: str) -> bool:
        """Whether something answers there with 200."""
        try:
            return httpx.get(url, timeout=5, trust_env=False, verify=NO_TLS).status_code == httpx.codes.OK
        except httpx.HTTPError:
            return False

    def stop(self) -> int:
        """Ctrl-C; returns the exit code, 0 where nothing was started. Killed after a time-out."""
        if self._process is None:
            return 0
        if self._process.poll() is None:
            self._process.send_signal(signal.SIGINT)
        try:
            return self._process.wait(STOP_TIMEOUT)
        except subprocess.TimeoutExpired:
            self._process.kill()
            return self._process.wait()

    def log_text(self) -> str:
        """Everything that the product has printed so far."""
        return "".join(path.read_text(errors="replace") for path in sorted(self.logs.glob("up.*")))

    def setup_code(self) -> str:
        """The code that `tf up` prints while nobody has registered; waits for it."""
        wait_until(lambda: _SETUP_CODE.search(self.log_text()) is not None, "the set-up code")
        found = _SETUP_CODE.search(self.log_text())
        assert found is not None
        return found[0]

    def register(self) -> None:
        """Register the owner."""
        owner = {"name": "Demo Owner", "email": "owner@example.com", "password": self.password}
        made = self.api("POST", "/api/dashboard/register", {"setup_code": self.setup_code(), **owner})
        self.personal_token = made["token"]
        self._client.headers["authorization"] = f"Bearer {self.personal_token}"

    def api(self, method: str, path: str, body: object = None, **query: Any) -> Any:
        """One call of the API as the owner; TameFlareError for anything but success."""
        answer = self._client.request(method, path, json=body, params=query)
        if not answer.is_success:
            raise TameFlareError(f"{method} {path} answered {answer.status_code}", answer.text[:500])
        return answer.json() if answer.content else None

    def add_gateway(self, name: str, connectors: Sequence[Connector], **options: object) -> str:
        """Make a gateway with connectors, credentials and rules; returns a fresh proxy token."""
        self.api("POST", "/api/dashboard/gateways", {"name": name, **options})
        at = f"/api/dashboard/gateways/{name}"
        for connector in connectors:
            self.api("POST", f"{at}/connectors", {"type": connector.type, "secret": connector.credential})
            for pattern, decision in connector.rules:
                rule = {"connector": connector.type, "pattern": pattern, "decision": decision}
                self.api("POST", f"{at}/rules", rule)
        token: str = self.api("POST", f"{at}/tokens", {})["token"]
        return token

    def use_gateway(self, name: str, token: str) -> None:
        """Write the project folder that `tf run` reads, and trust it."""
        folder = self.project / ".tf"
        folder.mkdir(mode=0o700, exist_ok=True)
        values = {"server": self.server, "proxy": self.proxy, "gateway": name, "gateway_token": token}
        config = folder / "config.yaml"
        config.touch(0o600)
        config.write_text("".join(f"{field}: {value}\n" for field, value in values.items()))
        command = [*unprivileged(), *tf(), "trust"]
        subprocess.run(command, env=self.environment(), cwd=self.project, check=True, capture_output=True)  # noqa: S603
        self.gateway_token = token

    def kill_switch(self, *, active: bool, scope: str = "all") -> None:
        """Throw or release it, and wait until the proxy has heard of it."""
        self.api("POST", "/api/v1/kill-switch", {"active": active, "scope": scope, "reason": "demo"})
        self.wait_for_configuration()

    def wait_for_configuration(self) -> None:
        """Wait until the proxy works by the newest configuration."""
        wait_until(lambda: self.proxy_version() >= self.newest_version(), "the proxy to hear of the change", 10)

    def proxy_version(self) -> int:
        """The configuration version that the proxy works by."""
        return int(httpx.get(self.proxy + "/health", trust_env=False, verify=NO_TLS).json()["configuration"]["version"])

    def newest_version(self) -> int:
        """The control plane's configuration version."""
        return int(self.api("GET", "/api/health")["version"])

    def tf_run(self, command: Sequence[str], *options: str) -> list[str]:
        """The command line that runs `command` under `tf run`."""
        return [*unprivileged(), *tf(), "run", *options, "--", *command]

    def traffic(self, **query: Any) -> list[dict[str, Any]]:
        """Traffic records, newest first."""
        rows: list[dict[str, Any]] = self.api("GET", "/api/dashboard/traffic", **{"limit": 200, **query})["items"]
        return rows

    def __enter__(self) -> Self:
        try:
            self.start()
        except BaseException:
            self.__exit__(None, None, None)
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, fault: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._client.close()
        self.stop()


def tf() -> list[str]:
    """The command line of `tf`, of the same installation as this program."""
    beside = Path(sys.executable).with_name("tf")
    found = str(beside) if beside.exists() else shutil.which("tf")
    return [found] if found else [sys.executable, "-m", "tameflare"]
