"""Colours, questions and exit codes, on a terminal and away from one."""

from __future__ import annotations

import os
import pty
import subprocess
import sys
from collections.abc import Callable

import pytest
from tests.cli.conftest import Ended
from tests.cli.doubles import FakeProxy

from tameflare.cli.errors import MEANING, Exit

ESCAPE = "\x1b["
DOCTOR = [sys.executable, "-m", "tameflare", "doctor"]
NOWHERE = {"TF_PORT": "1", "TF_PROXY_PORT": "1", "TERM": "xterm-256color"}


def on_a_terminal(words: list[str], typed: str = "", **variables: str) -> Ended:
    """Run with a terminal for everything; stdout and stderr come as one."""
    leader, follower = pty.openpty()
    process = subprocess.Popen(
        words, stdin=follower, stdout=follower, stderr=follower, env={**os.environ, **NOWHERE, **variables}
    )
    os.close(follower)
    os.write(leader, typed.encode())
    shown = b""
    while True:
        try:
            piece = os.read(leader, 4096)
        except OSError:  # Linux says so where the last one has closed the other side
            break
        if not piece:
            break
        shown += piece
    os.close(leader)
    return Ended(process.wait(30), shown.decode(), "")


def test_a_terminal_gets_colours() -> None:
    assert f"{ESCAPE}31mred" in on_a_terminal(DOCTOR).out


@pytest.mark.parametrize("variables", [{"NO_COLOR": "1"}, {"TERM": "dumb"}], ids=str)
def test_who_wants_none_gets_none(variables: dict[str, str]) -> None:
    shown = on_a_terminal(DOCTOR, **variables).out
    assert "red      proxy" in shown
    assert ESCAPE not in shown


def test_a_pipe_gets_none() -> None:
    done = subprocess.run(
        DOCTOR, capture_output=True, text=True, env={**os.environ, **NOWHERE, "FORCE_COLOR": "1", "CLICOLOR_FORCE": "1"}
    )
    assert "red      proxy" in done.stdout
    assert ESCAPE not in done.stdout + done.stderr


REMOVE = [sys.executable, "-m", "tameflare", "connector", "remove", "github", "--gateway", "g"]


def test_what_cannot_be_taken_back_is_asked_about() -> None:
    ended = on_a_terminal(REMOVE, typed="n\n")
    assert "Remove connector `github` with its credential and rules? [y/N]" in ended.out
    assert ended.code == Exit.INTERRUPTED


def test_a_script_has_to_say_so(tf: Callable[..., Ended]) -> None:
    ended = tf("connector", "remove", "github", "--gateway", "g")
    assert (ended.code, "say so by `--yes`" in ended.err) == (Exit.USAGE, True)
    assert tf("connector", "remove", "github", "--gateway", "g", "--yes").code == Exit.NOT_LOGGED_IN


@pytest.mark.parametrize(
    ("words", "code"),
    [
        (["--version"], Exit.OK),
        (["completion", "bash"], Exit.OK),
        (["doctor"], Exit.FAILED),
        (["agnets"], Exit.USAGE),
        (["config", "TF_PROT"], Exit.USAGE),
        (["status"], Exit.UNREACHABLE),
        (["agents", "list", "-g", "g"], Exit.NOT_LOGGED_IN),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else str(int(value)),
)
def test_exit_codes_mean_what_the_table_says(
    tf: Callable[..., Ended], monkeypatch: pytest.MonkeyPatch, words: list[str], code: Exit
) -> None:
    for name in ("TF_PORT", "TF_PROXY_PORT"):
        monkeypatch.setenv(name, "1")
    assert tf(*words).code == code


def test_the_codes_are_in_the_help_and_nothing_else_is(tf: Callable[..., Ended]) -> None:
    shown = " ".join(tf("--help").out.split())
    assert set(MEANING) == set(Exit)
    for code, meaning in MEANING.items():
        assert f"{int(code)} {meaning}" in shown


def test_a_pipe_that_is_closed_is_no_fault_of_ours(proxy: FakeProxy) -> None:
    done = subprocess.run(
        ["bash", "-c", '"$0" -m tameflare man | head -1; echo "${PIPESTATUS[0]}"', sys.executable],
        capture_output=True,
        text=True,
    )
    assert done.stderr == ""
    assert done.stdout.splitlines()[0].startswith('.\\"')
