"""What a hostile agent can do, tried for real, against the table in docs/threat-model.md: neither may drift."""

from __future__ import annotations

import json
import os
import re
import secrets
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import msgspec
import pytest
from tests.support.attack.__main__ import ATTEMPTS
from tests.support.attack.processes import dump, environment, files, memory, read_across, take_descriptor, trace
from tests.support.doubles import Vendors
from tests.support.product import GATEWAY, Governed, installed

import tameflare.core.judge
from tameflare.cli.isolating import available
from tameflare.core.approval import Requirement
from tameflare.demo.privileges import is_all_seeing
from tameflare.link.approvals import APPROVALS_PATH, Held, HeldAction, Raise

ROOT = Path(__file__).resolve().parents[2]
PAGE = ROOT / "docs" / "threat-model.md"
SAME, OTHER, ELSEWHERE, ISOLATED = "same user", "another user", "another machine", "isolated"
OTHER_USER = 65534
SECONDS = 240
WITH_THE_SERVER = frozenset(
    {"read a set-up code", "read the server's database", "find the master key", "write rules into the database"}
    | {"write answers of people into the database"}
    | {"catch the master key while the server starts"}
)
_NOT_HERE = available()
Verdicts = dict[str, dict[str, str]]


def documented() -> dict[str, dict[str, str]]:
    """The table of the page: verdict by deployment, for each attempt."""
    rows = re.findall(r"^\|(.+)\|$", PAGE.read_text(encoding="utf-8").partition("## What an agent")[2], re.MULTILINE)
    head, _, *body = [[cell.strip() for cell in row.split("|")] for row in rows]
    return {row[0]: dict(zip(head[1:], row[1:], strict=True)) for row in body}


def facts(governed: Governed) -> str:
    product = governed.product
    return json.dumps(
        {
            "data": str(product.data),
            "home": str(product.home),
            "project": str(product.project),
            "code": tameflare.core.judge.__file__,
            "server": product.server,
            "proxy": product.proxy,
            "upstream": f"127.0.0.1:{governed.vendors.server.port}",
            "supervisor": product.pid,
        }
    )


def attack(
    governed: Governed, *prefix: str, before: tuple[str, ...] | None = None, options: tuple[str, ...] = ()
) -> Verdicts:
    """Run it under `tf run`; `prefix` comes before its command line, `before` replaces what takes root's powers."""
    product = governed.product
    let_something_wait(governed)
    python = sys.executable if not prefix else shutil.which("python3", path="/usr/bin") or sys.executable
    command = product.tf_run([*prefix, python, "-m", "tests.support.attack", facts(governed)], *options)
    if before is not None:
        command = [*before, *command[command.index("run") - 1 :]]
    environment = {**product.environment(), "PYTHONPATH": str(ROOT), "PYTHONDONTWRITEBYTECODE": "1"}
    done = subprocess.run(
        command, env=environment, cwd=product.project, capture_output=True, text=True, timeout=SECONDS, check=False
    )
    assert done.returncode == 0, done.stderr
    told: list[dict[str, Any]] = [json.loads(line) for line in done.stdout.splitlines()]
    return {line["attempt"]: {"verdict": line["verdict"], "detail": line["detail"]} for line in told}


@pytest.fixture(scope="module")
def place() -> Iterator[Path]:
    """A folder that other users can enter, so that only the product's own modes keep them out."""
    with tempfile.TemporaryDirectory(prefix="tf-attack-") as name:
        Path(name).chmod(0o755)
        yield Path(name)


@pytest.fixture(scope="module")
def target(place: Path, vendors: Vendors) -> Iterator[Governed]:
    """The whole product; its user is logged in as the owner, and its gateway has another agent."""
    with installed(place, vendors, TF_LOG_LEVEL="warning") as governed:
        product = governed.product
        product.api("POST", f"/api/dashboard/gateways/{GATEWAY}/agents", {"name": "other"})
        product.wait_for_configuration()
        folder = product.home / ".config" / "tameflare"
        folder.mkdir(parents=True, mode=0o700, exist_ok=True)
        login = {"server": product.server, "token": product.personal_token, "email": "owner@example.com"}
        with os.fdopen(os.open(folder / "login.json", os.O_WRONLY | os.O_CREAT, 0o600), "w") as file:
            json.dump({**login, "scopes": ["read", "manage", "approve", "kill_switch"]}, file)
        yield governed


def let_something_wait(governed: Governed) -> None:
    """A request of the gateway waits for people, and the proxy's own kill switch is on for a connector."""
    product = governed.product
    gateway = product.api("GET", f"/api/dashboard/gateways/{GATEWAY}")
    agents = product.api("GET", f"/api/dashboard/gateways/{GATEWAY}/agents")["items"]
    refund = HeldAction("stripe.refund.create", "high", "money")
    held = Held(
        secrets.token_hex(32), gateway["id"], agents[0]["id"], "", "", "stripe", (refund,), "POST", "https",
        "api.stripe.com", 443, "/v1/refunds", "", "00" * 32, 0,
    )  # fmt: skip
    asked = Raise(secrets.token_hex(8), held, Requirement(), product.newest_version(), 300)
    link = (product.data / "proxy" / "link.token").read_text().strip()
    answer = httpx.post(
        product.server + APPROVALS_PATH,
        content=msgspec.json.encode(asked),
        headers={"authorization": f"Bearer {link}"},
        trust_env=False,
    )
    assert answer.json()["standing"] == "pending", answer.text
    done = governed.operate("kill-switch", "on", "--local", "--scope", "connector:slack")
    assert done.returncode == 0, done.stderr


def differences(found: Verdicts, column: str) -> dict[str, str]:
    """Attempts that came out otherwise than the page says."""
    told = documented()
    return {
        name: f"{result['verdict']} ({result['detail']}), the page says {told[name][column]}"
        for name, result in found.items()
        if result["verdict"] != told[name][column]
    }


def every_process_was_tried(found: Verdicts) -> bool:
    looked_at = found["read a process's environment"]["detail"]
    return all(name in looked_at for name in ("tf run", "tf up", "server", "proxy", "shipper"))


def test_every_attempt_is_documented_and_every_row_is_tried() -> None:
    assert list(documented()) == list(ATTEMPTS)


def test_another_machine_takes_away_what_lies_with_the_server() -> None:
    for name, row in documented().items():
        assert row[ELSEWHERE] == ("closed" if name in WITH_THE_SERVER else row[SAME]), name


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="the attempts are those of Linux")
def test_the_attempts_do_find_a_process_that_is_not_closed() -> None:
    """Else `closed` would say nothing."""
    with subprocess.Popen(["sleep", "60"], stderr=subprocess.DEVNULL) as ordinary:
        looks = (environment, memory, files, trace, read_across, take_descriptor, dump)
        blind = [look.__name__ for look in looks if not look(ordinary.pid)]
        ordinary.kill()
    assert blind == []


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can start programs as another user")
def test_as_another_user(target: Governed) -> None:
    prefix = ("setpriv", f"--reuid={OTHER_USER}", f"--regid={OTHER_USER}", "--clear-groups")
    found = attack(target, *prefix, before=())
    assert every_process_was_tried(found)
    assert differences(found, OTHER) == {}


@pytest.mark.skipif(_NOT_HERE is not None, reason=f"no isolation here: {_NOT_HERE}")
def test_isolated(target: Governed) -> None:
    """As root it keeps root's powers outside, which is the harder case. No process of the product is in sight."""
    found = attack(target, before=(), options=("--isolate", "--show", str(ROOT)))
    assert found["read a process's environment"]["detail"] == "tried: tf run, tf up"
    assert differences(found, ISOLATED) == {}


@pytest.mark.skipif(is_all_seeing(), reason="root without setpriv sees everything")
@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="the attempts are those of Linux")
def test_as_the_same_user(target: Governed) -> None:
    found = attack(target)
    assert every_process_was_tried(found)
    assert differences(found, SAME) == {}
