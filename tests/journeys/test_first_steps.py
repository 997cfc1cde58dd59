"""What a newcomer types, from the first log-in to the kill switch, with the command line alone."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from tests.support.doubles import Vendors

from tameflare.demo.product import Product, tf

Tf = Callable[..., subprocess.CompletedProcess[str]]
USER = "https://api.github.com/user"


@pytest.fixture
def product(tmp_path: Path, vendors: Vendors) -> Iterator[Product]:
    with Product(tmp_path, vendors.server.pins, vendors.certificates.authority) as running:
        yield running


@pytest.fixture
def command(product: Product) -> Tf:
    """`tf` in the project's folder; its standard input is `typed`."""

    def run(*arguments: str, typed: str = "") -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [*tf(), *arguments],
            env=product.environment(),
            cwd=product.project,
            input=typed,
            capture_output=True,
            text=True,
            timeout=60,
        )

    return run


def told(done: subprocess.CompletedProcess[str]) -> str:
    """Output of a command that must end well."""
    assert done.returncode == 0, done.stderr
    return done.stdout


def curl(command: Tf) -> tuple[int, dict[str, str]]:
    """Status and JSON of one request under `tf run`."""
    done = command("run", "--", "curl", "-sS", "--max-time", "20", "-w", "\n%{http_code}", USER)
    body, _, status = told(done).rpartition("\n")
    return int(status), json.loads(body)


def register(command: Tf, product: Product) -> None:
    owner = ["--name", "Ada", "--email", "ada@example.com", "--password-stdin"]
    told(command("login", "--setup-code", product.setup_code(), *owner, typed=product.password))


def test_quickstart(product: Product, command: Tf, vendors: Vendors) -> None:
    register(command, product)
    told(command("init"))
    status, body = curl(command)
    assert (status, body["code"]) == (403, "no_connector")

    told(command("connector", "add", "github", "--preset", "read-only", "--secret-stdin", typed=vendors.keys.github))
    told(command("connector", "test", "github"))
    status, body = curl(command)
    assert (status, body["login"]) == (200, "octo-demo")

    told(command("permissions", "set", "github", "github.user.get", "deny"))
    assert curl(command)[1]["code"] == "rule_deny"
    assert "github.user.get" in told(command("permissions", "list"))

    told(command("kill-switch", "on", "--reason", "looking into it"))
    assert curl(command)[1]["code"] == "kill_switch_active"
    assert json.loads(told(command("kill-switch", "status", "--json")))["active"] is True
    told(command("kill-switch", "off"))
    assert curl(command)[1]["code"] == "rule_deny"


def test_what_happened_can_be_read(product: Product, command: Tf, vendors: Vendors) -> None:
    register(command, product)
    told(command("init"))
    told(command("connector", "add", "github", "--preset", "allow-all", "--secret-stdin", typed=vendors.keys.github))
    assert curl(command)[0] == 200
    assert product.home.joinpath(".config", "tameflare", "login.json").stat().st_mode & 0o077 == 0
    assert json.loads(told(command("status", "--json")))
    rows = [json.loads(line) for line in told(command("logs", "--json", "--last", "5")).splitlines()]
    assert [row["action"] for row in rows if row["host"] == "api.github.com"] == ["github.user.get"]
    checks = command("doctor", "--json")
    assert checks.returncode in (0, 1)
    assert json.loads(checks.stdout)["findings"]
    for output in (checks.stdout, told(command("connector", "list", "--json"))):
        assert vendors.keys.github not in output


def test_commands_before_the_first_step_say_what_to_do(command: Tf) -> None:
    for arguments, advice in ((("run", "--", "true"), "tf init"), (("connector", "list"), "tf login")):
        done = command(*arguments)
        assert done.returncode != 0
        assert advice in done.stderr
        assert len(done.stderr.splitlines()) == 1
