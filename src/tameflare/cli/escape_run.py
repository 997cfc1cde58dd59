"""The run of `tf doctor --escape`: `tf run` as a person starts it, with the probes as its command."""

from __future__ import annotations

import contextlib
import json
import os
import sys
from collections.abc import Callable
from dataclasses import replace
from typing import Any, Final

from tameflare.cli.escape_targets import Lookout
from tameflare.core.errors import TameFlareError
from tameflare.isolate.probes.base import Came, Facts, Try

_SECONDS: Final = 90.0
_TOLD_AT_MOST: Final = 2000
_LEADER: Final = """
import os, signal, sys
signal.signal(signal.SIGWINCH, lambda *_: os.write(3, sys.argv[1].encode()))
child = os.posix_spawn(sys.argv[2], sys.argv[2:], os.environ)
sys.exit(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))
"""
"""What a shell is to a job: it leads session and process group, and notes the signals that reach the group."""


def run(
    lookout: Lookout, facts: Facts, isolated: bool, terminal: int, begun: Callable[[], None]
) -> dict[str, list[Try]]:
    """What each probe said. `begun` is called when the first has. Raises TameFlareError where none came."""
    out, err = bytearray(), bytearray()
    pid = _spawn(lookout, replace(facts, signals=True), isolated, terminal, (out, err))
    ended: list[int] = []

    def is_over() -> bool:
        if out:
            begun()
        if not ended:
            found, status = os.waitpid(pid, os.WNOHANG)
            ended.extend([os.waitstatus_to_exitcode(status)] if found else [])
        return bool(ended)

    if not lookout.run(is_over, _SECONDS):
        os.killpg(pid, 9)
        os.waitpid(pid, 0)
    _look_at_typed(lookout, terminal)
    told = _parse(out)
    if not told:
        sentence = err.decode(errors="replace").strip()[-_TOLD_AT_MOST:].removeprefix("tf: ")
        raise TameFlareError(f"the probes could not be started: {sentence or ended}")
    return told


def _command(facts: Facts, isolated: bool) -> list[str]:
    inside = [sys.executable, "-P", "-m", "tameflare.isolate.probes", facts.dump()]
    way = ["--isolate"] if isolated else []
    outside = [sys.executable, "-P", "-m", "tameflare", "run", "--quiet", *way, "--", *inside]
    return [sys.executable, "-I", "-S", "-c", _LEADER, facts.mark("process-group").decode(), *outside]


def _spawn(lookout: Lookout, facts: Facts, isolated: bool, terminal: int, kept: tuple[bytearray, bytearray]) -> int:
    """In a session of its own, with our terminal to control it: opening it first makes it that."""
    command = _command(facts, isolated)
    actions: list[tuple[Any, ...]] = [(os.POSIX_SPAWN_OPEN, 0, os.ttyname(terminal), os.O_RDWR, 0)]
    with contextlib.ExitStack() as stack:
        for number, place in enumerate((*kept, bytearray()), 1):
            ours, theirs = os.pipe()
            stack.callback(os.close, theirs)
            lookout.stream(ours, place)
            actions.append((os.POSIX_SPAWN_DUP2, theirs, number))
        return os.posix_spawn(command[0], command, os.environ, file_actions=actions, setsid=True)


def _look_at_typed(lookout: Lookout, terminal: int) -> None:
    """What a shell would read on that terminal now."""
    os.set_blocking(terminal, False)
    with contextlib.suppress(OSError):
        lookout.note(os.read(terminal, 1 << 12))


def _parse(said: bytearray) -> dict[str, list[Try]]:
    lines = [json.loads(line) for line in said.decode(errors="replace").splitlines() if line.startswith('{"probe"')]
    return {line["probe"]: [Try(way, Came(came), told) for way, came, told in line["tries"]] for line in lines}
