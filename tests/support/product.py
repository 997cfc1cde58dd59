"""The whole product for journeys: an installation with a gateway for every vendor, and programs run under it."""

from __future__ import annotations

import contextlib
import json
import subprocess
import sys
import textwrap
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.support.doubles import Vendors

from tameflare.demo.privileges import unprivileged
from tameflare.demo.product import STOP_TIMEOUT, Connector, Product, tf, wait_until

GATEWAY = "journeys"
RUN_TIMEOUT = 90.0
RATE_LIMIT = 100_000

Row = dict[str, Any]


def connectors(vendors: Vendors) -> tuple[Connector, ...]:
    """Every vendor with something allowed and something denied; what is not written is denied too."""
    keys = vendors.keys
    return (
        Connector(
            "github", keys.github, (("github.*", "allow"), ("github.pr.merge", "deny"), ("github.repo.push", "deny"))
        ),
        Connector("openai", keys.openai, (("openai.*", "allow"), ("openai.model.delete", "deny"))),
        Connector("stripe", keys.stripe, (("stripe.*", "allow"), ("stripe.refund.create", "deny"))),
        Connector("slack", keys.slack, (("slack.*", "allow"), ("slack.channel.archive", "deny"))),
        Connector("anthropic", keys.anthropic, (("anthropic.message.create", "allow"),)),
    )


@dataclass(frozen=True)
class Governed:
    """A running installation and the doubles behind it."""

    product: Product
    vendors: Vendors

    def run(
        self, *command: str, env: dict[str, str] | None = None, secured: bool = False
    ) -> subprocess.CompletedProcess[str]:
        """Run a command under `tf run` in the project's folder; `secured`: by `HTTPS_PROXY=https://…`."""
        return subprocess.run(
            self.product.tf_run(command),
            env={**self.product.environment(secured=secured), "GIT_TERMINAL_PROMPT": "0", **(env or {})},
            cwd=self.product.project,
            capture_output=True,
            text=True,
            timeout=RUN_TIMEOUT,
            stdin=subprocess.DEVNULL,
        )

    def operate(self, *arguments: str, **settings: str) -> subprocess.CompletedProcess[str]:
        """Run a `tf` command as the operator, with the installation's settings; it must end by itself."""
        return subprocess.run(
            [*unprivileged(), *tf(), *arguments],
            env={**self.product.operator_environment(), **settings},
            cwd=self.product.home,
            capture_output=True,
            text=True,
            timeout=STOP_TIMEOUT,
        )

    def python(self, program: str) -> Any:
        """Run a Python program under `tf run`; it must end well, and its last line is read as JSON."""
        done = self.run(sys.executable, "-c", textwrap.dedent(program))
        assert done.returncode == 0, done.stderr
        return json.loads(done.stdout.splitlines()[-1])

    def record(self, fits: Callable[[Row], bool]) -> Row:
        """The newest complete traffic record that fits; waits for it."""
        found: list[Row] = []

        def look() -> bool:
            found[:] = [row for row in self.product.traffic() if row["complete"] and fits(row)]
            return bool(found)

        wait_until(look, "the traffic record", 15)
        return found[0]

    @contextlib.contextmanager
    def upstream(self, host: str) -> Iterator[Callable[[], list[str]]]:
        """Gives a function that tells `METHOD path` of what has reached a vendor since."""
        mark = len(self.vendors.ledger)

        def reached() -> list[str]:
            return [f"{seen.method} {seen.path}" for seen in self.vendors.ledger.since(mark) if seen.host == host]

        yield reached


@contextlib.contextmanager
def installed(directory: Path, vendors: Vendors, *, tls: bool = False, **settings: str) -> Iterator[Governed]:
    """An installation of its own, set up and running; with `tls` its proxy has a listener in TLS as well."""
    with Product(directory, vendors.server.pins, vendors.certificates.authority, settings, tls) as product:
        product.register()
        token = product.add_gateway(GATEWAY, connectors(vendors), rate_limit_per_minute=RATE_LIMIT)
        product.use_gateway(GATEWAY, token)
        product.wait_for_configuration()
        yield Governed(product, vendors)
