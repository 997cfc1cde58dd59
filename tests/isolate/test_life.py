"""Start, signals, terminal, end: as with a plain run, and nothing outlives it."""

from __future__ import annotations

import json
import os
import pty
import select
import signal
import subprocess
import sys
import termios
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from tests.isolate.conftest import Isolated
from tests.support.waiting import wait_for

from tameflare.cli import child

PATIENCE = 20.0


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="isolation needs Linux")
def test_the_same_signals_are_passed_on_as_by_a_plain_run() -> None:
    from tameflare.isolate import init

    assert {signal.SIGCONT} == init.PASSED - child.PASSED_ON
    assert child.PASSED_ON <= init.PASSED


def processes(mark: str) -> list[int]:
    """Processes with that word in their environment or command line."""
    found = []
    for entry in Path("/proc").iterdir():
        if entry.name.isdecimal() and entry.name != str(os.getpid()):
            try:
                if mark in (entry / "cmdline").read_text(errors="replace"):
                    found.append(int(entry.name))
            except OSError:
                continue
    return found


@pytest.mark.parametrize(
    ("script", "code"),
    [
        ("exit 42", 42),
        ("kill -TERM $$", 143),
        ("kill -9 $$", 137),
        ("kill -9 1; exit 3", 3),
        ("(sleep 60 &) ; exit 0", 0),
    ],
)
def test_exit_codes(anybody: Isolated, script: str, code: int) -> None:
    assert anybody.shell(script).code == code


def test_a_command_that_is_not_there_or_hidden(anybody: Isolated) -> None:
    missing = anybody.run("no-such-command", PATH="/usr/bin:/bin")
    assert (missing.code, missing.err) == (
        127,
        "tameflare: no command `no-such-command`; check its spelling and PATH\n",
    )
    with_mode = anybody.home / "not-executable"
    with_mode.write_text("")
    refused = anybody.run(str(with_mode))
    assert (refused.code, "Permission denied; check its mode" in refused.err) == (126, True)
    outside = Path("/tmp") / f"tf-program-{os.getpid()}"
    outside.write_text("#!/bin/sh\n")
    outside.chmod(0o755)
    try:
        hidden = anybody.run(str(outside))
    finally:
        outside.unlink()
    assert (hidden.code, "it lies in a place that isolation hides; see --show" in hidden.err) == (127, True)


def test_input_and_output_pass(anybody: Isolated) -> None:
    reader, writer = os.pipe()
    script = f"cat; echo told >&2; readlink /proc/self/fd/{reader} /proc/self/fd/{writer}"
    command = anybody.words("-q", "--isolate", "--", "sh", "-c", script)
    done = subprocess.run(
        command, env=anybody.environment(), cwd=anybody.project, input="given", capture_output=True, text=True,
        pass_fds=[reader, writer],
    )  # fmt: skip
    for handle in (reader, writer):
        os.close(handle)
    assert (done.stdout, done.stderr) == ("given", "told\n")


def test_a_directory_as_a_standard_stream_is_refused(anybody: Isolated) -> None:
    handle = os.open(anybody.home, os.O_RDONLY)
    command = anybody.words("-q", "--isolate", "--", "sh", "-c", "ls -A /proc/self/fd/1/project/.tf >&2")
    done = subprocess.run(
        command, env=anybody.environment(), cwd=anybody.project, stdout=handle, stderr=subprocess.PIPE, text=True
    )
    os.close(handle)
    assert done.returncode == 1
    assert "a directory" in done.stderr.lower()
    assert "config.yaml" not in done.stderr


@contextmanager
def running(anybody: Isolated, script: str, **more: str) -> Iterator[subprocess.Popen[str]]:
    """An isolated shell that has said `ready`."""
    with subprocess.Popen(
        anybody.words("-q", "--isolate", "--", "sh", "-c", script), env=anybody.environment(**more),
        cwd=anybody.project, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
        start_new_session=True,
    ) as process:  # fmt: skip
        assert process.stdout is not None
        assert process.stdout.readline() == "ready\n"
        yield process


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT, signal.SIGHUP, signal.SIGUSR1])
def test_signals_are_passed_on_once(anybody: Isolated, number: signal.Signals) -> None:
    script = f"trap 'echo got' {number.name[3:]}; trap 'exit 7' USR2; echo ready; while :; do sleep 0.02; done"
    with running(anybody, script) as process:
        assert process.stdout is not None
        process.send_signal(number)
        assert process.stdout.readline() == "got\n"
        process.send_signal(signal.SIGUSR2)
        assert process.stdout.read() == ""
    assert process.returncode == 7


def test_grandchildren_end_with_the_command(isolated: Isolated) -> None:
    mark = f"tf-grandchild-{os.getpid()}-{isolated.user}"
    script = f"setsid sh -c 'trap \"\" HUP TERM; : {mark}; while :; do sleep 1; done' & setsid -f sleep 60; exit 0"
    assert isolated.shell(script).code == 0
    wait_for(lambda: not processes(mark), "all to end")


def test_killing_tf_leaves_nothing_behind(isolated: Isolated) -> None:
    mark = f"tf-killed-{os.getpid()}-{isolated.user}"
    loop = f": {mark}; while :; do sleep 1; done"
    script = f"setsid sh -c '{loop}' & echo ready; dirname $SSL_CERT_FILE; {loop}"
    with running(isolated, script) as process:
        helper = [int(pid) for pid in Path(f"/proc/{process.pid}/task/{process.pid}/children").read_text().split()]
        assert process.stdout is not None
        folder = Path(process.stdout.readline().strip())
        wait_for(lambda: len(processes(mark)) > 2, "the command to run")
        process.kill()
    wait_for(lambda: not processes(mark), "all to end")
    wait_for(lambda: not any(Path(f"/proc/{pid}").exists() for pid in helper), "the helper to end")
    assert not folder.exists()


def test_orphans_are_reaped(anybody: Isolated) -> None:
    script = "for i in 1 2 3 4 5; do (sh -c ':' &) ; done; sleep 0.3; grep -l '^State:.Z' /proc/[0-9]*/status; exit 0"
    assert anybody.shell(script).out == ""


def test_a_session_without_a_terminal_is_its_own(isolated: Isolated) -> None:
    """kill(0) reaches the processes of the command and no others: not tf, not what it was started by."""
    words = " ".join(isolated.words("-q", "--isolate", "--", "sh", "-c", "'kill -9 0'"))
    done = subprocess.run(
        ["sh", "-c", f"{words}; echo $?"], env=isolated.environment(), cwd=isolated.project, start_new_session=True,
        capture_output=True, text=True, stdin=subprocess.DEVNULL,
    )  # fmt: skip
    assert (done.stdout, done.returncode) == ("137\n", 0), done.stderr


class Terminal:
    """A terminal with a shell's job on it: what is read and typed, and the size."""

    def __init__(self, words: list[str], isolated: Isolated) -> None:
        self.pid, self.handle = pty.fork()
        if self.pid == 0:
            try:
                os.chdir(isolated.project)
                os.execvpe(words[0], words, isolated.environment(TERM="dumb", PS1="", ENV=""))
            finally:
                os._exit(127)
        self.seen = ""

    def expect(self, text: str) -> None:
        deadline = time.monotonic() + PATIENCE
        while text not in self.seen:
            assert select.select([self.handle], [], [], max(0.0, deadline - time.monotonic()))[0], self.seen
            self.seen += os.read(self.handle, 65536).decode(errors="replace")
        self.seen = self.seen.partition(text)[2]

    def type(self, text: str) -> None:
        os.write(self.handle, text.encode())

    def end(self) -> int:
        code = os.waitstatus_to_exitcode(os.waitpid(self.pid, 0)[1])
        os.close(self.handle)
        return code


def test_a_terminal_is_one_inside_too(anybody: Isolated) -> None:
    script = (
        "test -t 0 && test -t 1 && : > /dev/tty && stty size && trap 'stty size; exit 9' WINCH && echo up && "
        "while :; do sleep 0.05; done"
    )
    terminal = Terminal(anybody.words("-q", "--isolate", "--", "sh", "-c", script), anybody)
    terminal.expect("up")
    termios.tcsetwinsize(terminal.handle, (33, 77))
    terminal.expect("33 77")
    assert terminal.end() == 9


def test_interrupt_from_the_keyboard_comes_once(anybody: Isolated) -> None:
    script = (
        "n=0; trap 'n=$((n+1)); echo got $n' INT; trap 'echo sum $n; exit 4' QUIT; echo up; "
        "while :; do sleep 0.05; done"
    )
    terminal = Terminal(anybody.words("-q", "--isolate", "--", "sh", "-c", script), anybody)
    terminal.expect("up")
    terminal.type("\x03")
    terminal.expect("got 1")
    terminal.type("\x1c")
    terminal.expect("sum 1")
    assert terminal.end() == 4


def test_stopping_and_going_on_in_a_shell(isolated: Isolated) -> None:
    words = isolated.words("-q", "--isolate", "--", "sh", "-c", "'echo up; read line; echo line:$line; exit 6'")
    terminal = Terminal(["bash", "--norc", "--noprofile", "-i"], isolated)
    terminal.type(" ".join(words) + "\n")
    terminal.expect("\nup")
    terminal.type("\x1a")
    terminal.expect("Stopped")
    terminal.type("fg\n")
    terminal.expect("fg")
    terminal.type("typed\n")
    terminal.expect("line:typed")
    terminal.type("exit $?\n")
    assert terminal.end() == 6


def test_a_new_terminal_can_be_made_inside(anybody: Isolated) -> None:
    program = "import os,json; m,s=os.openpty(); print(json.dumps([os.ttyname(s), os.listdir('/dev/pts')]))"
    name, listed = json.loads(anybody.run("python3", "-c", program, options=["-q"]).out)
    assert (name, sorted(listed)) == ("/dev/pts/0", ["0", "ptmx"])
