"""Starts the helper, gives it the plan and takes the listening sockets that it made inside."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import socket
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from tameflare.isolate import obstacles
from tameflare.isolate.obstacles import CannotIsolate
from tameflare.isolate.plan import CONTROL, LENGTH, Plan

_PATIENCE: Final = 30.0
_LARGEST: Final = 65536
_PROGRAM: Final = "import sys; sys.path.insert(0, {root!r}); from tameflare.isolate.inside import main; main()"


@dataclass(frozen=True)
class Started:
    """`pid` is the helper, which stops, continues and ends as the command does. `number` is the errno with which the
    command could not be executed, 0 where it was. The caller owns the sockets, which stand in the plan's order."""

    pid: int
    number: int
    listeners: list[socket.socket]


def launch(plan: Plan) -> Started:
    """Start the command of the plan in isolation. Raises CannotIsolate where that cannot be had here."""
    obstacles.check_platform()
    here, there = socket.socketpair()
    with here, there:
        pid = _spawn(there)
        there.close()
        try:
            return _converse(here, plan, pid)
        except CannotIsolate:
            _give_up(pid)
            raise


def _spawn(control: socket.socket) -> int:
    """Nothing of our environment, so nothing that could change the helper's course."""
    root = str(Path(__file__).resolve().parents[2])
    command = [sys.executable, "-I", "-S", "-c", _PROGRAM.format(root=root)]
    return os.posix_spawn(sys.executable, command, {}, file_actions=[(os.POSIX_SPAWN_DUP2, control.fileno(), CONTROL)])


def _converse(control: socket.socket, plan: Plan, pid: int) -> Started:
    control.settimeout(_PATIENCE)
    data = plan.encode()
    try:
        control.sendall(LENGTH.pack(len(data)) + data)
    except OSError as fault:
        raise _silent(fault) from None
    answers = _answers(control)
    listeners = next(answers)[1]
    number = int(next(answers)[0]["started"])
    return Started(pid, number, listeners)


def _answers(control: socket.socket) -> Iterator[tuple[dict[str, Any], list[socket.socket]]]:
    """One message after the other; raises CannotIsolate for a fault or silence."""
    rest = b""
    handles: list[int] = []
    while True:
        while b"\n" not in rest:
            try:
                data, found, _, _ = socket.recv_fds(control, _LARGEST, 8)
            except OSError as fault:
                raise _silent(fault) from None
            if not data:
                raise _silent(None)
            rest, handles = rest + data, handles + found
        line, _, rest = rest.partition(b"\n")
        told = json.loads(line)
        if "fault" in told:
            raise obstacles.explain(told)
        yield told, [socket.socket(fileno=handle) for handle in handles]
        handles = []


def _silent(fault: OSError | None) -> CannotIsolate:
    reason = f": {fault.strerror or fault}" if fault else ""
    return CannotIsolate(f"the helper that isolates ended without a word{reason}", "run again; if it stays, report it")


def _give_up(pid: int) -> None:
    with contextlib.suppress(ProcessLookupError):
        os.kill(pid, signal.SIGKILL)
    os.waitpid(pid, 0)
