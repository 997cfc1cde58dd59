"""Calls of MCP tools that wait for people, by the official Python client: given up, sent again, answered."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from typing import Any, Self

import pytest
from tests.support.mcp import running
from tests.support.mcp.running import Installed, host
from tests.support.waiting import wait_for

from tameflare.demo.product import tf

CALLING = str(running.HERE / "calling.py")
TOOL = "mcp.tools.delete_repo"
MODES = ("legacy", "auto")
SERVER = {"legacy": "python", "auto": "python-json"}


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Installed]:
    with running.installed(tmp_path_factory.mktemp("mcp"), tuple(SERVER.values())) as made:
        for name in SERVER.values():
            made.tf("permissions", "set", name, TOOL, "require_approval")
        yield made


@pytest.fixture(scope="module")
def hasty(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Installed]:
    """Connections wait two seconds."""
    directory = tmp_path_factory.mktemp("hasty")
    with running.installed(directory, ("python",), TF_APPROVAL_TIMEOUT="4") as made:
        made.tf("permissions", "set", "python", TOOL, "require_approval")
        yield made


class Calling:
    """A client under `tf run`."""

    def __init__(self, installed: Installed, mode: str, *patience: str) -> None:
        url = f"https://{host(SERVER[mode])}/mcp"
        self._process = subprocess.Popen(
            [*tf(), "run", "--", sys.executable, CALLING, url, mode, *patience],
            env=installed.product.environment(),
            cwd=installed.product.project,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        if self._process.poll() is None:
            self._process.terminate()
            self._process.communicate(timeout=30)

    def gives_up(self) -> None:
        assert self._process.stdout is not None
        assert self._process.stdout.readline() == "gave up\n"

    def told(self) -> dict[str, Any]:
        out, err = self._process.communicate(timeout=60)
        assert self._process.returncode == 0, err
        found: dict[str, Any] = json.loads(out.splitlines()[-1])
        return found


def approvals(installed: Installed, status: str = "pending") -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = json.loads(installed.tf("approvals", "list", "--status", status, "--json"))
    return found


def waiting(installed: Installed, connections: int) -> dict[str, Any]:
    """The one approval that is pending, once so many connections wait for it."""

    def look() -> dict[str, Any] | None:
        found = approvals(installed)
        assert len(found) <= 1
        return found[0] if found and found[0]["waiting"] == connections else None

    return wait_for(look, f"an approval with {connections} waiting")


def calls(installed: Installed, mode: str) -> int:
    return installed.servers[SERVER[mode]].lines().count("call delete_repo site")


@pytest.mark.parametrize("mode", MODES)
def test_a_client_that_gave_up_joins_with_another_id_and_what_is_approved_goes_once(
    installed: Installed, mode: str
) -> None:
    before, answered = calls(installed, mode), len(approvals(installed, "all"))
    with Calling(installed, mode, "1", "1", "60") as client:
        client.gives_up()
        first = waiting(installed, 1)
        client.gives_up()
        again = waiting(installed, 1)
        assert again["id"] == first["id"]
        installed.tf("approvals", "approve", again["id"])
        assert client.told() == {"text": "gone"}
    assert calls(installed, mode) == before + 1
    assert len(approvals(installed, "all")) == answered + 1


@pytest.mark.parametrize("mode", MODES)
def test_an_approval_given_with_nobody_waiting_is_for_the_next_call(installed: Installed, mode: str) -> None:
    before = calls(installed, mode)
    with Calling(installed, mode, "1") as client:
        assert "text" not in client.told()
    installed.tf("approvals", "approve", waiting(installed, 0)["id"])
    assert calls(installed, mode) == before
    with Calling(installed, mode, "60") as client:
        assert client.told() == {"text": "gone"}
    assert calls(installed, mode) == before + 1


@pytest.mark.parametrize("mode", MODES)
def test_what_is_denied_raises_the_clients_error_with_the_reason(installed: Installed, mode: str) -> None:
    before = calls(installed, mode)
    with Calling(installed, mode, "60") as client:
        installed.tf("approvals", "deny", waiting(installed, 1)["id"], "--reason", "that is the wrong repository")
        told = client.told()
    assert told["code"] == 403
    assert "that is the wrong repository" in told["message"]
    assert (told["data"]["reason"], told["data"]["action"]) == ("approval_denied", TOOL)
    assert calls(installed, mode) == before
    assert approvals(installed) == []


def test_nobody_answers_in_time(hasty: Installed) -> None:
    with Calling(hasty, "legacy", "60") as client:
        told = client.told()
    assert told["code"] == 408
    assert told["data"]["reason"] == "approval_timeout"
    assert calls(hasty, "legacy") == 0
    assert len(approvals(hasty, "all")) == 1
