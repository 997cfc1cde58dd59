"""One installation for the whole matrix, and the running of a client's program in it."""

from __future__ import annotations

import contextlib
import json
import subprocess
import tempfile
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import IO, Any, Final

import httpx
from tests.matrix import memory
from tests.matrix.clients import AROUND, Client, Verdict
from tests.matrix.gateways import GATEWAYS
from tests.matrix.vendors import Doubled, running

from tameflare.demo.doubles.ledger import Seen
from tameflare.demo.privileges import unprivileged
from tameflare.demo.product import NO_TLS, Product, free_port, wait_until

MARKER: Final = "/matrix-marker"
TLS_NAME: Final = "localhost"
RATE_LIMIT: Final = 100_000
PATIENCE: Final = 90.0
"""Seconds that a client's program may take."""
APPROVALS: Final = "/api/dashboard/approvals"
Line = dict[str, Any]
Row = dict[str, Any]


@dataclass
class Told:
    """What one run of a program came to.

    `lines` are those of its scenarios by name, `rows` the records of its requests, `reached` what came to the doubles,
    `asked` the approvals that were raised, each with how many requests for its path had reached the vendor before the
    vote. `held` are the connectors whose real keys were in the program's memory while it waited for people.
    """

    version: str = ""
    lines: dict[str, Line] = field(default_factory=dict)
    rows: list[Row] = field(default_factory=list)
    reached: tuple[Seen, ...] = ()
    asked: list[tuple[Row, int]] = field(default_factory=list)
    held: set[str] = field(default_factory=set)
    printed: str = ""
    code: int = 0


class Installation:
    """The product in front of the doubles. One client is run at a time."""

    def __init__(self, product: Product, doubled: Doubled, tls_port: int) -> None:
        self.product, self.doubled, self._tls_port = product, doubled, tls_port
        self._projects: dict[str, Path] = {}
        self._tokens: dict[str, str] = {}
        self.last = Told()

    def project(self, gateway: str) -> Path:
        """The folder whose `.tf` leads to a gateway, which is made when it is first asked for."""
        if gateway not in self._projects:
            self.product.project = self.product.directory / gateway
            self.product.project.mkdir()
            self.product.use_gateway(gateway, self._add_gateway(gateway))
            self.product.wait_for_configuration()
            self._projects[gateway] = self.product.project
            self._tokens[gateway] = self.product.gateway_token
        return self._projects[gateway]

    def _add_gateway(self, gateway: str) -> str:
        """Make it with its connectors and rules; returns a token for it."""
        self.product.api("POST", "/api/dashboard/gateways", {"name": gateway, "rate_limit_per_minute": RATE_LIMIT})
        at = f"/api/dashboard/gateways/{gateway}"
        for name, governed in GATEWAYS[gateway].items():
            options = {"type": name, "name": name, **governed.options}
            secret = {} if options.get("credential") == "passthrough" else {"secret": self.doubled.keys[name]}
            self.product.api("POST", f"{at}/connectors", options | secret)
            for pattern, decision in governed.rules:
                rule = {"connector": name, "pattern": pattern, "decision": decision}
                self.product.api("POST", f"{at}/rules", rule)
        token: str = self.product.api("POST", f"{at}/tokens", {})["token"]
        return token

    def run(self, client: Client) -> Told:
        """Run a client's program under `tf run`; people agree to whatever it must ask for."""
        project = self.project(client.gateway)
        mark, before = len(self.doubled.ledger), {row["request_id"] for row in self.product.traffic()}
        self.doubled.gate.shut()
        told = self.last = Told()
        with tempfile.TemporaryFile("w+") as err, self._started(client, project, err) as process:
            assert process.stdout is not None
            reader = threading.Thread(target=self._read, args=(process.stdout, told), daemon=True)
            reader.start()
            try:
                self._answer_people(process, told, mark)
            finally:
                process.terminate()
                reader.join(PATIENCE)
            err.seek(0)
            told.printed += err.read()
            told.code = process.wait(PATIENCE)
        self._settle()
        told.rows = [row for row in self.product.traffic() if row["request_id"] not in before and row["path"] != MARKER]
        told.reached = self.doubled.ledger.since(mark)
        return told

    def _started(self, client: Client, project: Path, err: IO[str]) -> subprocess.Popen[str]:
        played = {"MATRIX_CLIENT": client.name, "MATRIX_SCENARIOS": " ".join(client.scenarios)}
        own = {variable: self.doubled.keys[name] for variable, name in client.own_key.items()}
        command = self.product.tf_run(client.command, *client.options)
        if "--isolate" in client.options:
            command = command[len(unprivileged()) :]  # root isolates with the capabilities that it has
        return subprocess.Popen(
            command,
            env={**self.product.environment(), **self._internet(client), **client.environment, **own, **played},
            cwd=project,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=err,
            text=True,
        )

    def over_https(self, client: Client) -> Client:
        """The same client, which is told of the proxy's listener in TLS."""
        authority = self.product.directory / "proxy-authority.pem"
        if not authority.exists():
            authority.write_text(httpx.get(self.product.proxy + "/ca.pem", trust_env=False).text)
        self.project(client.gateway)
        place = {
            "GATEWAY_URL": f"https://{TLS_NAME}:{self._tls_port}",
            "TF_GATEWAY_TOKEN": self._tokens[client.gateway],
            "TF_PROXY_CA": str(authority),
        }
        return replace(client, environment={**client.environment, **place}, scenarios=(client.over_https,))

    def _internet(self, client: Client) -> dict[str, str]:
        """For clients that may get past the proxy: the port at which all of the internet is, and who vouches for it."""
        if client.verdict is not Verdict.ISOLATE and AROUND not in client.scenarios:
            return {}
        vendors = self.doubled.vendors
        return {"MATRIX_INTERNET": str(vendors.server.port), "SSL_CERT_FILE": str(vendors.certificates.authority)}

    def _read(self, out: IO[str], told: Told) -> None:
        for text in out:
            told.printed += text
            line = as_line(text)
            if line.get("event") == "first":
                self.doubled.gate.open()
            elif "scenario" in line:
                told.lines[line["scenario"]] = line
            elif "version" in line:
                told.version = line["version"]

    def _answer_people(self, process: subprocess.Popen[str], told: Told, mark: int) -> None:
        """Until the program ends: agree to what is asked, noting whether it went before anybody had agreed."""
        voted: set[str] = set()

        def ended() -> bool:
            if process.poll() is not None:
                return True
            for one in self.product.api("GET", APPROVALS, status="pending", limit=100)["approvals"]:
                if one["id"] not in voted:
                    voted.add(one["id"])
                    early = sum(seen.path == one["path"] and seen.method == one["method"] for seen in self._since(mark))
                    told.asked.append((one, early))
                    told.held |= memory.held(process.pid, self.doubled.keys)
                    self.product.api("POST", f"{APPROVALS}/{one['id']}/votes", {"vote": "approve"})
            return False

        wait_until(ended, "the client's program", PATIENCE)

    def _since(self, mark: int) -> tuple[Seen, ...]:
        return self.doubled.ledger.since(mark)

    def _settle(self) -> None:
        """Wait until everything that was answered is on record: a later request is."""
        proxy = httpx.Proxy(self.product.proxy, auth=(self.product.gateway_token, ""))
        with httpx.Client(proxy=proxy, trust_env=False, verify=NO_TLS) as client:
            answer = client.get(f"http://collector.example{MARKER}")
        marker = answer.headers["x-tameflare-request-id"]
        wait_until(lambda: any(row["complete"] for row in self.product.traffic(request_id=marker)), "the records", 15)


def as_line(text: str) -> Line:
    """A line of a program as an object; empty where it is something else."""
    with contextlib.suppress(ValueError):
        found = json.loads(text)
        if isinstance(found, dict):
            return found
    return {}


@contextlib.contextmanager
def installed(directory: Path, **settings: str) -> Iterator[Installation]:
    """An installation of its own in front of doubles of its own."""
    for name in ("vendors", "product"):
        (directory / name).mkdir()
    with running(directory / "vendors") as doubled:
        vendors = doubled.vendors
        port = free_port()
        listener = {"TF_PROXY_TLS_NAMES": TLS_NAME, "TF_PROXY_TLS_PORT": str(port), "TF_PROXY_TLS_HOST": "127.0.0.1"}
        place, authority = directory / "product", vendors.certificates.authority
        with Product(place, vendors.server.pins, authority, {**listener, **settings}) as product:
            product.register()
            yield Installation(product, doubled, port)
