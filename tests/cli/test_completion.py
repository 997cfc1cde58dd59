"""Completion in real shells: what is offered, from where, and how fast a key press is answered."""

from __future__ import annotations

import json
import os
import pty
import select
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from shutil import which

import pytest
from tests.cli.conftest import Ended

from tameflare.cli import names
from tameflare.cli.completion import SHELLS, script

IN_BASH = """
source /dev/stdin <<'SCRIPT'
{script}
SCRIPT
compopt() {{ :; }}
COMP_WORDS=({words})
COMP_CWORD={at}
_tf_completion tf
printf '%s\\n' "${{COMPREPLY[@]}}"
"""


@pytest.fixture
def tf_on_path(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A `tf` that shells find, of this very interpreter."""
    folder = tmp_path / "bin"
    folder.mkdir()
    program = folder / "tf"
    program.write_text(f'#!/bin/sh\nexec "{sys.executable}" -m tameflare "$@"\n')
    program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{folder}:{os.environ['PATH']}")
    return program


def bash(*words: str) -> list[str]:
    """What bash offers for the last of the words."""
    program = IN_BASH.format(script=script("bash"), words=" ".join(f"'{word}'" for word in words), at=len(words) - 1)
    done = subprocess.run(["bash", "--norc", "-c", program], capture_output=True, text=True, timeout=30, check=True)
    assert done.stderr == ""
    return [line for line in done.stdout.splitlines() if line]


@pytest.fixture
def seen(home: Path) -> None:
    """A gateway whose connectors and agents a command has shown before."""
    names.remember("my-agent", connectors=[("github", "github"), ("ghe", "github"), ("crm", "generic")])
    names.remember("my-agent", agents=["default", "deploy-bot"])
    folder = home / "my-agent" / ".tf"
    folder.mkdir(mode=0o700)
    (folder / "config.yaml").write_text("server: x\ngateway: my-agent\n")


@pytest.mark.parametrize("shell", SHELLS)
def test_each_shell_gets_its_script(tf: Callable[..., Ended], shell: str) -> None:
    ended = tf("completion", shell)
    assert (ended.code, ended.err) == (0, "")
    assert f"{shell}_complete" in ended.out


@pytest.mark.parametrize("shell", SHELLS)
def test_each_shell_can_read_it(shell: str) -> None:
    if not which(shell):
        pytest.skip(f"{shell} is not installed")
    done = subprocess.run([shell, "-n"], input=script(shell), capture_output=True, text=True)
    assert (done.returncode, done.stderr) == (0, "")


@pytest.mark.parametrize(
    ("words", "offered"),
    [
        (("tf", "conn"), ["connector"]),
        (("tf", "connector", "cr"), ["credential"]),
        (("tf", "logs", "--f"), ["--follow"]),
        (("tf", "logs", "--decision", "d"), ["deny"]),
        (("tf", "connector", "add", "g"), ["generic", "github"]),
        (("tf", "connector", "test", "g"), ["ghe", "github"]),
        (("tf", "agents", "set", "de"), ["default", "deploy-bot"]),
        (("tf", "logs", "--agent", "dep"), ["deploy-bot"]),
        (("tf", "permissions", "set", "ghe", "github.re"), ["github.ref.", "github.release.", "github.repo."]),
        (("tf", "permissions", "set", "ghe", "github.pr.m"), ["github.pr.merge"]),
        (("tf", "config", "TF_DATA"), ["TF_DATA_DIR"]),
        (("tf", "agents", "list", "-g", "my"), ["my-agent"]),
        (("tf", "run", "--name", "dep"), ["deploy-bot"]),
        (("tf", "nonsense", "x"), []),
    ],
    ids=" ".join,
)
def test_bash_is_offered(seen: None, tf_on_path: Path, words: tuple[str, ...], offered: list[str]) -> None:
    assert bash(*words) == offered


def test_a_key_press_in_a_terminal(seen: None, tf_on_path: Path) -> None:
    """Readline and all: what stands on the line after the tabulator."""
    leader, follower = pty.openpty()
    environment = {**os.environ, "PS1": "$ ", "TERM": "dumb"}
    shell = subprocess.Popen(
        ["bash", "--norc", "-i"],
        stdin=follower,
        stdout=follower,
        stderr=follower,
        env=environment,
        start_new_session=True,
    )
    os.close(follower)
    try:
        os.write(leader, b'eval "$(tf completion bash)"; echo re""ady\n')
        until(leader, "ready")
        os.write(leader, b"tf kill-s\t")
        until(leader, "kill-switch ")
        os.write(leader, b"\x15tf connector test cr\t")
        until(leader, "test crm ")
        os.write(leader, b"\x15tf run -- cat .t\t")
        until(leader, "cat .tf/")
    finally:
        shell.kill()
        shell.wait()
        os.close(leader)


def until(terminal: int, text: str, seconds: float = 20.0) -> None:
    """Read what the terminal shows until it shows `text`."""
    shown, deadline = "", time.monotonic() + seconds
    while text not in shown:
        assert select.select([terminal], [], [], max(0, deadline - time.monotonic()))[0], shown
        shown += os.read(terminal, 4096).decode(errors="replace")


@pytest.mark.skipif(not which("fish"), reason="fish is not installed")
def test_fish_is_offered(seen: None, tf_on_path: Path) -> None:
    program = f"{script('fish')}\ncomplete -C 'tf connector test g'"
    done = subprocess.run(["fish", "--no-config", "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["ghe", "github"]


@pytest.mark.skipif(not which("zsh"), reason="zsh is not installed")
def test_zsh_is_offered(seen: None, tf_on_path: Path) -> None:
    """The function, with `compadd`, by which zsh is told what to offer, printing instead."""
    program = f"""
    compdef() {{ }}
    compadd() {{ print -l -- "${{completions[@]}}" }}
    {script("zsh")}
    words=(tf connector test g); CURRENT=4
    _tf_completion
    """
    done = subprocess.run(["zsh", "-f", "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["ghe", "github"]


def test_a_command_to_run_is_completed_by_the_shell_itself(tf_on_path: Path) -> None:
    words = {"COMP_WORDS": "tf run -- ca", "COMP_CWORD": "3", "_TF_COMPLETE": "bash_complete"}
    done = subprocess.run([str(tf_on_path)], env={**os.environ, **words}, capture_output=True, text=True, check=True)
    assert done.stdout == "file,ca\n"


def test_names_that_a_terminal_or_shell_would_obey_are_not_kept(home: Path) -> None:
    names.remember(
        "g", connectors=[("$(reboot)", "generic"), ("\x1b[2J", "generic"), ("ok", "generic")], agents=["a;b"]
    )
    assert names.of_connectors("g") == {"ok": "generic"}
    assert names.of_agents("g") == []
    names.path().write_text(json.dumps({"g": {"agents": 3}, "`x`": {}, "h": []}))
    assert (names.of_agents("g"), names.of_gateways()) == ([], ["g"])


def test_where_nothing_can_be_kept_nothing_breaks(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (home / "file").write_text("")
    monkeypatch.setenv("XDG_CACHE_HOME", str(home / "file"))
    names.remember("g", agents=["a"])
    assert names.of_agents("g") == []


def test_names_that_another_program_wrote_are_looked_at_when_they_are_read(home: Path, tf_on_path: Path) -> None:
    marker = home / "obeyed"
    bad = f"$(touch {marker})"
    connectors = {bad: "generic", "ok": "generic", "odd": ["x"], "evil": bad, "x\n": "generic"}
    names.path().parent.mkdir(parents=True)
    names.path().write_text(json.dumps({"g": {"connectors": connectors, "agents": ["a", bad, 3, None]}, bad: {}}))
    assert names.of_connectors("g") == {"ok": "generic"}
    assert (names.of_agents("g"), names.of_gateways()) == (["a"], ["g"])
    assert bash("tf", "connector", "test", "--gateway", "g", "") == ["ok"]
    names.remember("g", agents=["b"])
    assert (names.of_connectors("g"), names.of_agents("g")) == ({"ok": "generic"}, ["b"])
    assert not marker.exists()


@pytest.mark.parametrize("kind", ["deep", "fifo", "folder", "huge", "binary"])
def test_a_list_of_names_that_is_none_is_done_without(home: Path, kind: str) -> None:
    place = names.path()
    place.parent.mkdir(parents=True)
    match kind:
        case "deep":
            place.write_text("[" * 100_000)
        case "fifo":
            os.mkfifo(place)
        case "folder":
            place.mkdir()
        case "huge":
            with place.open("wb") as file:
                file.truncate(1 << 40)
        case "binary":
            place.write_bytes(b"\xff\x00")
    assert names.of_gateways() == []


def test_a_folder_of_names_that_is_a_link_is_left_alone(home: Path) -> None:
    elsewhere = home / "elsewhere"
    elsewhere.mkdir(mode=0o755)
    (elsewhere / "names.json").write_text('{"g": {"agents": ["a"]}}')
    names.path().parent.parent.mkdir(parents=True, exist_ok=True)
    names.path().parent.symlink_to(elsewhere)
    names.remember("g", agents=["b"])
    assert names.of_gateways() == []
    assert elsewhere.stat().st_mode & 0o777 == 0o755
    assert (elsewhere / "names.json").read_text() == '{"g": {"agents": ["a"]}}'
