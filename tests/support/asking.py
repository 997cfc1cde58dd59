"""People and agents around held requests: an installation that asks for everything, requests that wait, votes."""

from __future__ import annotations

import contextlib
import ssl
import subprocess
import sys
import textwrap
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
from tests.support.doubles import Vendors

from tameflare.demo.product import Connector, Product, wait_until

GATEWAY = "asking"
AT = "/api/dashboard/approvals"
GITHUB = (
    ("github.*.get", "allow"),
    ("github.repo.fetch", "allow"),
    ("github.file.*", "require_approval"),
    ("github.issue.create", "require_approval"),
    ("github.repo.push", "require_approval"),
)
Shown = dict[str, Any]


class Request(threading.Thread):
    """One request of an agent, sent through the proxy as it is made. `answer` is None where the connection was cut."""

    def __init__(self, asking: Asking, method: str, url: str, **options: Any) -> None:
        super().__init__(daemon=True)
        self._client = asking.client()
        self._request = (method, url, options)
        self.answer: httpx.Response | None = None
        self.start()

    def run(self) -> None:
        method, url, options = self._request
        with contextlib.suppress(httpx.HTTPError):
            self.answer = self._client.request(method, url, **options)
        self._client.close()

    def result(self, patience: float = 30.0) -> httpx.Response:
        self.join(patience)
        assert not self.is_alive(), "the request still waits"
        assert self.answer is not None, "the connection was cut"
        return self.answer


class Asking:
    """An installation whose gateway asks people about everything that changes something."""

    def __init__(self, product: Product, vendors: Vendors) -> None:
        self.product = product
        self.vendors = vendors
        authority = httpx.get(product.proxy + "/ca.pem", trust_env=False).text
        self._trust = ssl.create_default_context(cadata=authority)

    def client(self, timeout: float = 60.0) -> httpx.Client:
        proxy = httpx.Proxy(self.product.proxy, auth=(self.product.gateway_token, ""))
        return httpx.Client(proxy=proxy, verify=self._trust, trust_env=False, timeout=timeout)

    def send(self, method: str, url: str, **options: Any) -> Request:
        return Request(self, method, url, **options)

    def write(self, name: str, message: str = "add") -> Request:
        """The writing of a file: the deed that most of these tests are about."""
        return self.send("PUT", file_url(name), json=file_body(message))

    def give_up(self, name: str) -> None:
        """The same, by a client that does not wait for people."""
        with self.client(timeout=0.5) as client, contextlib.suppress(httpx.ReadTimeout):
            client.put(file_url(name), json=file_body("add"))
            raise AssertionError("the answer came at once")

    def curl(self, *arguments: str) -> subprocess.Popen[str]:
        """curl, through the proxy."""
        return self.program("curl", *arguments)

    def agent(self, program: str) -> subprocess.Popen[str]:
        """A Python program under `tf run`."""
        return self.program(sys.executable, "-c", textwrap.dedent(program))

    def program(self, *command: str) -> subprocess.Popen[str]:
        """Any program under `tf run`."""
        return subprocess.Popen(
            self.product.tf_run(command),
            env=self.product.environment(),
            cwd=self.product.project,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    # --- people

    def approvals(self, status: str = "pending") -> list[Shown]:
        found: list[Shown] = self.product.api("GET", AT, status=status, limit=100)["approvals"]
        return found

    def approval(self, approval: str) -> Shown:
        found: Shown = self.product.api("GET", f"{AT}/{approval}")
        return found

    def about(self, name: str, waiting: int = 1) -> Shown:
        """The pending approval of the writing of a file, once so many connections wait for it."""
        found: list[Shown] = []

        def look() -> bool:
            found[:] = [one for one in self.approvals() if one["path"] == path(name) and one["waiting"] == waiting]
            return bool(found)

        wait_until(look, f"an approval of {name} with {waiting} waiting", 15)
        return found[0]

    def pending(self, action: str) -> Shown:
        """The pending approval of an action, once it is there."""
        found: list[Shown] = []

        def look() -> bool:
            found[:] = [one for one in self.approvals() if one["actions"][0]["type"] == action]
            return bool(found)

        wait_until(look, f"an approval of {action}", 30)
        return found[0]

    def vote(self, approval: str, vote: str = "approve", **more: str) -> Shown:
        found: Shown = self.product.api("POST", f"{AT}/{approval}/votes", {"vote": vote, **more})
        return found

    def becomes(self, approval: str, status: str) -> Shown:
        wait_until(lambda: self.approval(approval)["status"] == status, f"{approval} to be {status}", 15)
        return self.approval(approval)

    # --- rules and records

    def rule(self, pattern: str, decision: str) -> None:
        rule = {"connector": "github", "pattern": pattern, "decision": decision}
        self.product.api("POST", f"/api/dashboard/gateways/{GATEWAY}/rules", rule)

    def sent(self, name: str) -> int:
        """How often the writing of a file has reached the vendor."""
        return sum(seen.path == path(name) for seen in self.vendors.ledger.entries("api.github.com"))

    def records(self, action: str) -> int:
        """How many requests for an action are on record, once all are that were answered before."""
        self.record(self.send("GET", "https://collector.example/marker").result().headers["x-tameflare-request-id"])
        return sum(row["action"] == action for row in self.product.traffic())

    def record(self, request_id: str) -> Shown:
        found: list[Shown] = []

        def look() -> bool:
            found[:] = [row for row in self.product.traffic(request_id=request_id) if row["complete"]]
            return bool(found)

        wait_until(look, f"the record of {request_id}", 15)
        return found[0]


def path(name: str) -> str:
    return f"/repos/acme/site/contents/{name}.txt"


def file_url(name: str) -> str:
    return "https://api.github.com" + path(name)


def file_body(message: str) -> dict[str, str]:
    return {"message": message, "content": "aGVsbG8="}


@contextlib.contextmanager
def asking(directory: Path, vendors: Vendors, **changes: str) -> Iterator[Asking]:
    settings = {"TF_DENIAL_STANDS": "0", **changes}  # tests ask for the same deed again
    connectors = (
        Connector("github", vendors.keys.github, GITHUB),
        Connector("stripe", vendors.keys.stripe, (("stripe.*", "require_approval"),)),
        Connector("openai", vendors.keys.openai, (("openai.*", "require_approval"),)),
        Connector("anthropic", vendors.keys.anthropic, (("anthropic.*", "require_approval"),)),
        Connector("slack", vendors.keys.slack, (("slack.*", "require_approval"),)),
    )
    with Product(directory, vendors.server.pins, vendors.certificates.authority, settings) as product:
        product.register()
        product.use_gateway(GATEWAY, product.add_gateway(GATEWAY, connectors, rate_limit_per_minute=100_000))
        product.wait_for_configuration()
        yield Asking(product, vendors)
