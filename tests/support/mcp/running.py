"""MCP servers of both official SDKs, and the whole product in front of them, set up as a person would."""

from __future__ import annotations

import contextlib
import json
import subprocess
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.support.waiting import PATIENCE, wait_for

from tameflare.demo.certificates import ServerCertificate, make_certificates
from tameflare.demo.product import Product, tf

HERE = Path(__file__).parent
NODE = HERE / "node"
NODE_PARTS = Path(__file__).resolve().parents[2] / "node_modules"
RUN_TIMEOUT = 90.0
KEY = "canary-mcp-credential-0123456789"
PYTHON_SERVER, NODE_SERVER = (sys.executable, str(HERE / "server.py")), ("node", str(NODE / "server.mjs"))
PYTHON_CLIENT, NODE_CLIENT = (sys.executable, str(HERE / "client.py")), ("node", str(NODE / "client.mjs"))
SERVERS = {
    "python": PYTHON_SERVER,
    "python-json": (*PYTHON_SERVER, "--json"),
    "typescript": NODE_SERVER,
    "typescript-json": (*NODE_SERVER, "--json"),
}


DOCUMENTED = "mcp.tracker.example"
"""The host that the documentation names; the Python server stands behind it."""


def host(name: str) -> str:
    return f"{name}.mcp.example"


@dataclass(frozen=True)
class Double:
    """A running server; `ledger` is what reached it."""

    port: int
    ledger: Path

    def lines(self) -> list[str]:
        return self.ledger.read_text().splitlines()


@contextlib.contextmanager
def server(name: str, directory: Path, certificate: ServerCertificate) -> Iterator[Double]:
    ledger, printed = directory / f"{name}.ledger", directory / f"{name}.out"
    ledger.touch()
    command, options = SERVERS[name][:2], SERVERS[name][2:]
    with printed.open("w") as out, (directory / f"{name}.err").open("w") as err:
        process = subprocess.Popen(
            [*command, str(certificate.certificate), str(certificate.key), str(ledger), *options],
            stdout=out,
            stderr=err,
        )
    try:
        found = wait_for(lambda: printed.read_text().strip(), f"the MCP server `{name}`")
        yield Double(int(found), ledger)
    finally:
        process.terminate()
        process.wait(PATIENCE)


@dataclass(frozen=True)
class Installed:
    """The product with one connector for each server, of the server's name; all begin with the preset `read-only`."""

    product: Product
    servers: dict[str, Double]

    def tf(self, *arguments: str, typed: str = "") -> str:
        """Run `tf` as the owner in the project's folder; it must end well. Returns what it printed."""
        done = subprocess.run(
            [*tf(), *arguments],
            env=self.product.environment(),
            cwd=self.product.project,
            input=typed,
            capture_output=True,
            text=True,
            timeout=RUN_TIMEOUT,
        )
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    def told(self, *command: str) -> Any:
        """Run a program under `tf run`; its last line is read as JSON."""
        return json.loads(self.tf("run", "--", *command).splitlines()[-1])

    def actions(self, name: str) -> list[tuple[str, str]]:
        """Action and verdict of the traffic to a server, in order."""
        rows = map(json.loads, self.tf("logs", "--json", "--last", "200").splitlines())
        return [(row["action"], row["decision"]) for row in rows if row["host"] == host(name)]

    def recorded(self, name: str, action: str, verdict: str) -> None:
        """Wait for a record."""
        wait_for(lambda: (action, verdict) in self.actions(name), f"a record of `{action}`")


@contextlib.contextmanager
def installed(directory: Path, names: Sequence[str] = tuple(SERVERS), **changes: str) -> Iterator[Installed]:
    """With these servers, of which `python` must be one."""
    settings = {"TF_DENIAL_STANDS": "0", **changes}  # tests ask for the same deed again
    certificate = make_certificates(directory, [*map(host, SERVERS), DOCUMENTED])
    with contextlib.ExitStack() as stack:
        servers = {name: stack.enter_context(server(name, directory, certificate)) for name in names}
        places = {host(name): double.port for name, double in servers.items()} | {DOCUMENTED: servers["python"].port}
        pins = ",".join(f"{name}:443:127.0.0.1:{port}" for name, port in places.items())
        product = stack.enter_context(Product(directory / "product", pins, certificate.authority, settings))
        made = Installed(product, servers)
        owner = ("--name", "Ada", "--email", "ada@example.com", "--password-stdin")
        made.tf("login", "--setup-code", product.setup_code(), *owner, typed=product.password)
        made.tf("init")
        for name in names:
            options = ("--name", name, "--domain", host(name), "--preset", "read-only", "--secret-stdin")
            made.tf("connector", "add", "mcp", *options, typed=KEY)
        yield made
