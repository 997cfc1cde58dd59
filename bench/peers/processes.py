"""Programs of others: started on the proxy's core, ready when they accept, ended by their id."""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import socket
import subprocess
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from bench.peers.way import Missing
from tameflare.core.errors import TameFlareError
from tameflare.demo.product import wait_until

START_SECONDS = 30.0
STOP_SECONDS = 10.0
_ELSEWHERE = ("/usr/sbin", "/usr/local/sbin", "/usr/local/bin")


def program(name: str, *, package: str, directory: Path | None = None) -> str:
    """Its path, in `directory` alone where one is given. Raises Missing."""
    places = str(directory) if directory else os.pathsep.join((os.environ.get("PATH", ""), *_ELSEWHERE))
    found = shutil.which(name, path=places)
    if found is None:
        raise Missing(f"`{name}` is not installed ({package})")
    return found


def said(command: Sequence[str]) -> str:
    """What a program prints of itself, for its version. Raises Missing where it does not work."""
    done = subprocess.run(command, capture_output=True, text=True, timeout=START_SECONDS, check=False)
    if done.returncode:
        raise Missing(f"`{Path(command[0]).name}` does not work here: {(done.stderr or done.stdout).strip()[:200]}")
    return done.stdout + done.stderr


@contextmanager
def listening(
    command: Sequence[str], port: int, directory: Path, cores: frozenset[int], **environment: str
) -> Iterator[int]:
    """Its process id while it runs on `cores`, once it accepts connections on 127.0.0.1:`port`.

    `directory` is its home, with its output in a file of that name.
    """
    log = directory / "output"
    with log.open("wb") as out:
        process = subprocess.Popen(
            ["taskset", "-c", str(min(cores)), *command],
            cwd=directory,
            env={"PATH": os.environ.get("PATH", ""), "HOME": str(directory), **environment},
            stdin=subprocess.DEVNULL,
            stdout=out,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
    try:
        wait_until(lambda: _accepts(process, port, log), f"`{Path(command[0]).name}` to listen", START_SECONDS)
        yield process.pid
    finally:
        _end(process)


def _accepts(process: subprocess.Popen[bytes], port: int, log: Path) -> bool:
    if process.poll() is not None:
        raise TameFlareError(f"it ended with {process.returncode}", log.read_text(errors="replace")[-2000:])
    try:
        with socket.create_connection(("127.0.0.1", port), 1):
            return True
    except OSError:
        return False


def _end(process: subprocess.Popen[bytes]) -> None:
    """It, and what it has started and left behind: that is in the process group that bears its id."""
    process.terminate()
    try:
        process.wait(STOP_SECONDS)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
    with contextlib.suppress(ProcessLookupError):  # as it should be: nothing is left
        os.killpg(process.pid, signal.SIGKILL)
