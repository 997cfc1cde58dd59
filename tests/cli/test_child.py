from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from tameflare.cli.child import CannotStart, run_child

WRAPPER = """
import os, sys
from tameflare.cli.child import run_child
sys.exit(run_child(sys.argv[1:], os.environ, lambda: None))
"""


def test_the_exit_code_is_the_commands() -> None:
    assert run_child(["sh", "-c", "exit 7"], os.environ, lambda: None) == 7


def test_a_signal_that_ends_the_command_is_128_and_its_number() -> None:
    assert run_child(["sh", "-c", "kill -TERM $$"], os.environ, lambda: None) == 128 + signal.SIGTERM


def test_the_environment_is_exactly_the_one_given(tmp_path: Path) -> None:
    out = tmp_path / "out"
    run_child(
        ["/usr/bin/env", "sh", "-c", f"env | grep -c MARK > {out}"], {"MARK": "1", "PATH": os.environ["PATH"]}, int
    )
    assert out.read_text() == "1\n"


def test_a_missing_command_is_127() -> None:
    with pytest.raises(CannotStart, match="no command `no-such-command`") as caught:
        run_child(["no-such-command"], os.environ, lambda: None)
    assert caught.value.status == 127


def test_a_file_that_is_not_executable_is_126(tmp_path: Path) -> None:
    script = tmp_path / "script"
    script.write_text("hello")
    with pytest.raises(CannotStart, match="cannot run") as caught:
        run_child([str(script)], os.environ, lambda: None)
    assert caught.value.status == 126


def test_sigpipe_is_as_usual_in_the_command() -> None:
    assert run_child(["sh", "-c", "kill -PIPE $$"], os.environ, lambda: None) == 128 + signal.SIGPIPE


def test_the_signal_mask_is_restored() -> None:
    before = signal.pthread_sigmask(signal.SIG_BLOCK, [])
    run_child(["true"], os.environ, lambda: None)
    assert signal.pthread_sigmask(signal.SIG_BLOCK, []) == before


@pytest.mark.parametrize("name", ["INT", "TERM", "HUP", "QUIT", "USR1", "WINCH"])
def test_a_signal_sent_to_us_reaches_the_command(name: str) -> None:
    command = ["sh", "-c", f"trap 'echo got; exit 3' {name}; echo ready; while :; do read x || :; done"]
    read, write = os.pipe()
    process = subprocess.Popen(
        [sys.executable, "-c", WRAPPER, *command], stdin=read, stdout=subprocess.PIPE, text=True, start_new_session=True
    )
    os.close(read)
    assert process.stdout is not None
    assert process.stdout.readline() == "ready\n"
    process.send_signal(getattr(signal, f"SIG{name}"))
    assert process.stdout.readline() == "got\n"
    assert process.wait(10) == 3
    process.stdout.close()
    os.close(write)


def test_on_a_terminal_ctrl_c_reaches_the_command_once() -> None:
    """The terminal signals the whole group, so the wrapper must not send a second one."""
    import pty

    script = (
        "n=0; trap 'n=$((n+1)); echo int$n' INT; trap 'echo bye; exit 5' TERM; echo ready; while :; do sleep 0.05; done"
    )
    child, master = pty.fork()
    if child == 0:
        os.execv(sys.executable, [sys.executable, "-c", WRAPPER, "sh", "-c", script])
    watchdog = threading.Timer(20, os.kill, (child, signal.SIGKILL))
    watchdog.start()
    seen = _until(master, "ready")
    os.write(master, b"\x03")
    seen += _until(master, "int1")
    os.kill(child, signal.SIGTERM)
    seen += _until(master, "bye")
    _, status = os.waitpid(child, 0)
    watchdog.cancel()
    os.close(master)
    assert os.waitstatus_to_exitcode(status) == 5
    assert "int2" not in seen


def _until(master: int, word: str) -> str:
    seen = ""
    while word not in seen:
        seen += os.read(master, 1024).decode()
    return seen
