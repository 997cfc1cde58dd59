from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable, Iterator

import click
import pytest
from tests.cli.conftest import Ended

from tameflare.cli import main
from tameflare.cli.main import COMMANDS

Tf = Callable[..., Ended]
HEAVY = {"httpx", "rich", "fastapi", "sqlalchemy", "cryptography", "pydantic", "uvicorn", "asyncio"}


def commands(group: click.Command, path: tuple[str, ...] = ()) -> Iterator[tuple[tuple[str, ...], click.Command]]:
    yield path, group
    if isinstance(group, click.Group):
        context = click.Context(group)
        for name in group.list_commands(context):
            command = group.get_command(context, name)
            assert command is not None
            yield from commands(command, (*path, name))


EVERY = dict(commands(main.cli))


@pytest.mark.parametrize("path", EVERY, ids=" ".join)
def test_every_command_has_help_with_an_example(path: tuple[str, ...], tf: Tf) -> None:
    ended = tf(*path, "--help")
    assert ended.code == 0
    assert "Example" in ended.out
    assert f"tf {' '.join(path)}".strip() in ended.out.split("Example", 1)[1]


def test_gateway_is_an_alias_of_proxy() -> None:
    context = click.Context(main.cli)
    assert main.cli.get_command(context, "gateway") is main.cli.get_command(context, "proxy")
    assert "gateway" in COMMANDS


def test_an_unknown_command_gets_a_suggestion(tf: Tf) -> None:
    assert tf("conector") == (2, "", "tf: no command `conector`; did you mean `tf connector`?\n")
    assert tf("xyzzy") == (2, "", "tf: no command `xyzzy`; `tf --help` lists all\n")


@pytest.mark.parametrize("group", [(), ("connector",), ("permissions",), ("agents",)], ids=str)
def test_a_group_by_itself_shows_its_help(tf: Tf, group: tuple[str, ...]) -> None:
    ended = tf(*group)
    assert ended.code == 2
    assert ended.err.startswith("Usage: tf")


def test_a_wrong_option_is_one_line(tf: Tf) -> None:
    ended = tf("logs", "--nonsense")
    assert ended.code == 2
    assert ended.err.count("\n") == 1
    assert "see `tf logs --help`" in ended.err


def test_not_logged_in_is_exit_4(tf: Tf) -> None:
    ended = tf("agents", "list", "--gateway", "g")
    assert (ended.code, ended.err) == (4, "tf: not logged in at `http://127.0.0.1:3000`; run `tf login`\n")


def test_a_server_that_is_down_is_exit_3(tf: Tf, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TF_SERVER_URL", "http://127.0.0.1:1")
    monkeypatch.setenv("TF_TOKEN", "tfu_x")
    ended = tf("agents", "list", "--gateway", "g")
    assert ended.code == 3
    assert (
        ended.err
        == "tf: cannot reach the server at `http://127.0.0.1:1`; start it with `tf up`, or set TF_SERVER_URL\n"
    )


@pytest.mark.parametrize("url", ["nonsense", "ftp://example.com", "http://[::1"])
def test_a_wrong_server_url_is_exit_2(tf: Tf, monkeypatch: pytest.MonkeyPatch, url: str) -> None:
    monkeypatch.setenv("TF_SERVER_URL", url)
    monkeypatch.setenv("TF_TOKEN", "tfu_x")
    ended = tf("agents", "list", "--gateway", "g")
    assert ended.code == 2
    assert "is not a URL" in ended.err


def test_a_malformed_pattern_never_reaches_the_server(tf: Tf, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TF_TOKEN", "tfu_x")
    ended = tf("permissions", "set", "github", "github..x", "allow", "--gateway", "g")
    assert ended.code == 2
    assert "empty segment" in ended.err


def test_an_unexpected_fault_is_one_line(tf: Tf, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*_: object) -> None:
        raise KeyError("boom")

    monkeypatch.setattr("tameflare.cli.options.project.find_folder", broken)
    ended = tf("agents", "list")
    assert ended.code == 1
    assert ended.err == "tf: unexpected fault: KeyError: 'boom'; run again with TF_LOG_LEVEL=debug for details\n"
    monkeypatch.setenv("TF_LOG_LEVEL", "debug")
    assert "Traceback" in tf("agents", "list").err


def test_run_starts_without_the_heavy_libraries() -> None:
    script = "import sys; import tameflare.cli.main, tameflare.cli.run; print(' '.join(sys.modules))"
    loaded = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True).stdout.split()
    assert not HEAVY & set(loaded)
