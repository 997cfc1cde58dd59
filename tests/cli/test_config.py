"""`tf config`: what is in effect, and from where."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest
from tests.cli.conftest import Ended

from tameflare.cli import project
from tameflare.cli.project import Project
from tameflare.core.secret import Secret

PROXY = "https://proxy.example:9443"


@pytest.fixture
def row(tf: Callable[..., Ended], home: Path) -> Callable[[], tuple[str, str]]:
    """TF_PROXY_CA, in a project that keeps its proxy's authority: value and source."""
    here = Project(None, "http://127.0.0.1:1", PROXY, "my-agent", Secret("gwtk_x"), "-----BEGIN CERTIFICATE-----\n")
    project.save(home / "my-agent" / ".tf", here, "")

    def ask() -> tuple[str, str]:
        (found,) = json.loads(tf("config", "TF_PROXY_CA", "--json").out)
        return found["value"], found["source"]

    return ask


def test_the_authority_that_the_project_keeps_is_in_effect(row: Callable[[], tuple[str, str]], home: Path) -> None:
    assert row() == ("kept there", str(home / "my-agent" / ".tf" / "config.yaml"))


def test_the_environments_goes_before_it(row: Callable[[], tuple[str, str]], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TF_PROXY_CA", "/etc/authority.pem")
    assert row() == ("/etc/authority.pem", "environment")


@pytest.mark.parametrize(
    ("proxy", "source"), [(f"{PROXY}/", "config.yaml"), ("https://another.example:9443", "default")]
)
def test_it_is_that_of_the_projects_proxy_alone(
    row: Callable[[], tuple[str, str]], monkeypatch: pytest.MonkeyPatch, proxy: str, source: str
) -> None:
    monkeypatch.setenv("GATEWAY_URL", proxy)
    assert row()[1].endswith(source)


CANARY = "canary-7f3a"


@pytest.mark.parametrize("command", [("config",), ("status",), ("doctor",)], ids=" ".join)
@pytest.mark.parametrize("json_option", [(), ("--json",)], ids=["lines", "json"])
def test_the_password_in_an_address_is_not_shown(
    tf: Callable[..., Ended], monkeypatch: pytest.MonkeyPatch, command: tuple[str, ...], json_option: tuple[str, ...]
) -> None:
    monkeypatch.setenv("GATEWAY_URL", f"http://user:{CANARY}@127.0.0.1:1")
    monkeypatch.setenv("TF_SERVER_URL", f"http://user:{CANARY}@127.0.0.1:1")
    ended = tf(*command, *json_option)
    assert "://***@127.0.0.1:1" in ended.out
    assert CANARY not in ended.out + ended.err


def test_the_password_in_an_address_is_not_in_a_complaint(
    tf: Callable[..., Ended], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GATEWAY_URL", f"http://user:{CANARY}@127.0.0.1:1")
    monkeypatch.setenv("TF_GATEWAY_TOKEN", "gwtk_x")
    ended = tf("run", "--", "true")
    assert "http://***@127.0.0.1:1" in ended.err
    assert CANARY not in ended.err
