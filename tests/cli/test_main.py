from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import click
import pytest
from tests.cli.conftest import Ended
from tests.cli.tree import EVERY, LEAVES, WITHOUT_JSON, options

from tameflare.cli import main
from tameflare.cli.main import COMMANDS

Tf = Callable[..., Ended]
HEAVY = {"httpx", "rich", "fastapi", "sqlalchemy", "cryptography", "pydantic", "uvicorn", "asyncio"}


@pytest.mark.parametrize("path", EVERY, ids=" ".join)
def test_every_command_has_help_with_an_example(path: tuple[str, ...], tf: Tf) -> None:
    ended = tf(*path, "--help")
    assert ended.code == 0
    assert "Example" in ended.out
    assert f"tf {' '.join(path)}".strip() in ended.out.split("Example", 1)[1]


@pytest.mark.parametrize("path", sorted(set(EVERY) - set(LEAVES)), ids=" ".join)
def test_a_group_tells_each_command_in_a_line(path: tuple[str, ...], tf: Tf, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "80")
    lines = tf(*path, "--help").out.partition("Commands:")[2].splitlines()
    assert not [line for line in lines if line.endswith("...")]


@pytest.mark.parametrize("path", EVERY, ids=" ".join)
def test_every_option_says_what_it_does(path: tuple[str, ...]) -> None:
    silent = [
        parameter.opts for parameter in EVERY[path].params if isinstance(parameter, click.Option) and not parameter.help
    ]
    assert not silent


def test_every_command_that_tells_something_does_so_in_json() -> None:
    assert {path for path, command in LEAVES.items() if "--json" not in options(command)} == WITHOUT_JSON


def test_one_option_has_one_meaning() -> None:
    """The same short form never stands for two things."""
    long = {"-g": "--gateway", "-f": "--follow", "-n": "--last", "-m": "--reason", "-q": "--quiet", "-y": "--yes"}
    for path, command in EVERY.items():
        for parameter in command.params:
            for short in set(parameter.opts) & set(long):
                assert long[short] in parameter.opts, path


def test_gateway_is_an_alias_of_proxy() -> None:
    context = click.Context(main.cli)
    assert main.cli.get_command(context, "gateway") is main.cli.get_command(context, "proxy")
    assert "gateway" in COMMANDS


def test_an_unknown_command_gets_a_suggestion(tf: Tf) -> None:
    assert tf("conector") == (2, "", "tf: no command `conector`; did you mean `tf connector`?\n")
    assert tf("xyzzy") == (2, "", "tf: no command `xyzzy`; `tf --help` lists all\n")


def test_an_unknown_command_of_a_group_gets_one_too(tf: Tf) -> None:
    assert tf("connector", "ad") == (2, "", "tf: no command `ad`; did you mean `tf connector add`?\n")
    assert tf("connector", "xyzzy") == (2, "", "tf: no command `xyzzy`; `tf connector --help` lists all\n")


def test_an_unknown_option_gets_one_too(tf: Tf) -> None:
    assert tf("logs", "--folow") == (2, "", "tf: no option `--folow`; did you mean `--follow`?\n")


def test_a_wrong_value_names_the_right_ones(tf: Tf) -> None:
    ended = tf("completion", "zhs")
    assert (
        ended.err == "tf: invalid value for `SHELL`: `zhs` is not one of `bash`, `zsh`, `fish`; did you mean `zsh`?\n"
    )
    assert tf("completion", "powershell").err.endswith("; see `tf completion --help`\n")
    ended = tf("logs", "--last", "ten")
    assert ended.err == "tf: invalid value for `--last` / `-n`: `ten` is not a whole number; see `tf logs --help`\n"


@pytest.mark.parametrize("group", [(), ("connector",), ("permissions",), ("agents",)], ids=str)
def test_a_group_by_itself_shows_its_help(tf: Tf, group: tuple[str, ...]) -> None:
    ended = tf(*group)
    assert ended.code == 2
    assert ended.err.startswith("Usage: tf")


def test_a_wrong_option_is_one_line(tf: Tf) -> None:
    ended = tf("logs", "--nonsense")
    assert ended.code == 2
    assert ended.err.count("\n") == 1
    assert ended.err == "tf: no option `--nonsense`; see `tf logs --help`\n"


@pytest.mark.parametrize(
    ("arguments", "code", "status"),
    [
        (("agents", "list", "--gateway", "g", "--json"), "not_logged_in", 4),
        (("trust", "--json"), "setting_invalid", 2),
        (("kill-switch", "status", "--local", "--json"), "unreachable", 3),
        (("logs", "--folow", "--json"), "usage", 2),
        (("agents", "lst", "--json"), "usage", 2),
        (("config", "TF_PROT", "--json"), "invalid_value", 2),
    ],
)
def test_with_json_a_fault_is_one_object_on_stderr(tf: Tf, arguments: tuple[str, ...], code: str, status: int) -> None:
    ended = tf(*arguments)
    fault = json.loads(ended.err)
    assert (ended.code, ended.out, ended.err.count("\n")) == (status, "", 1)
    assert (fault["code"], fault["exit_code"]) == (code, status)
    assert fault["error"]
    assert fault["help"]


def test_what_follows_run_decides_nothing_for_us(tf: Tf) -> None:
    assert tf("run", "--", "jq", "--json").err.startswith("tf: no gateway is set up here")
    assert tf("run", "jq", "--json").err.startswith("tf: no gateway is set up here")


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
    assert not HEAVY & loaded("import tameflare.cli.main, tameflare.cli.run")


def test_help_and_completion_load_no_heavy_library() -> None:
    every = "import tameflare.cli.main as m; [m.cli.get_command(None, name) for name in m.COMMANDS]"
    assert not HEAVY & loaded(every)


def loaded(script: str) -> set[str]:
    """The modules that are there after the script."""
    script += "; import sys; print(' '.join(sys.modules))"
    return set(
        subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True).stdout.split()
    )


def test_a_missing_argument_is_named(tf: Callable[..., Ended]) -> None:
    ended = tf("connector", "add")
    assert (ended.code, ended.err) == (2, "tf: missing argument `TYPE`; see `tf connector add --help`\n")


def test_the_server_prints_its_document_and_starts_nothing(
    tf: Tf, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TF_DATA_DIR", str(tmp_path / "data"))
    ended = tf("server", "--print-openapi")
    document = json.loads(ended.out)
    assert ended.code == 0
    assert document["openapi"].startswith("3.1")
    assert {"/api/v1/actions", "/api/dashboard/gateways"} <= set(document["paths"])
    assert not (tmp_path / "data").exists()
