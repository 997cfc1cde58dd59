"""Runs a command as if `tf` were not there: same terminal and process group, signals passed on, its exit code."""

from __future__ import annotations

import errno
import os
import signal
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Final

from tameflare.core.errors import TameFlareError

NOT_FOUND: Final = 127
NOT_EXECUTABLE: Final = 126
PASSED_ON: Final = frozenset(
    {signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGQUIT, signal.SIGUSR1, signal.SIGUSR2, signal.SIGWINCH}
    | {signal.SIGTSTP}
)
"""As `tameflare.isolate.init.PASSED`, which has SIGCONT on top: here `_reap` lets the child go on."""
_LOOK_SECONDS: Final = 0.5
_AWAITED: Final = PASSED_ON | {signal.SIGCHLD}
_FROM_TERMINAL: Final = frozenset({signal.SIGINT, signal.SIGQUIT, signal.SIGTSTP, signal.SIGWINCH})


class CannotStart(TameFlareError):
    """The command does not exist or cannot be executed; `status` is what a shell would end with."""

    def __init__(self, message: str, advice: str, status: int) -> None:
        super().__init__(message, advice)
        self.status = status


Spawn = Callable[[Sequence[str], Mapping[str, str], Iterable[int]], int]


def run_child(
    command: Sequence[str], environment: Mapping[str, str], started: Callable[[], None], spawn: Spawn | None = None
) -> int:
    """Run `command` to its end and return its exit code, 128 + n if signal n ended it.

    `started` is called once it runs. `spawn` starts it with a mask of signals and gives its process, or one that stands
    for it. Must be called from the main thread. Raises CannotStart.
    """
    before = signal.pthread_sigmask(signal.SIG_BLOCK, _AWAITED)
    try:
        child = (spawn or _spawn)(command, environment, before)
        started()
        return _attend(child)
    finally:
        _forget_pending()
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def _forget_pending() -> None:
    """What came while the command was ending was meant for it, and must not end us in place of its exit code."""
    while pending := signal.sigpending() & PASSED_ON:
        signal.sigwait(pending)


def _spawn(command: Sequence[str], environment: Mapping[str, str], mask: Iterable[int]) -> int:
    """Python ignores SIGPIPE and SIGXFSZ for itself; the command gets them as usual."""
    try:
        return os.posix_spawnp(
            command[0], list(command), environment, setsigmask=mask, setsigdef=[signal.SIGPIPE, signal.SIGXFSZ]
        )
    except OSError as fault:
        raise cannot_start(command[0], fault.errno or errno.EINVAL) from None


def cannot_start(command: str, number: int) -> CannotStart:
    """The fault for the errno with which a command could not be executed."""
    if number == errno.ENOENT:
        return CannotStart(f"no command `{command}`", "check its spelling and PATH", NOT_FOUND)
    advice = "begin it with a `#!` line" if number == errno.ENOEXEC else "check its mode"
    return CannotStart(f"cannot run `{command}`: {os.strerror(number)}", advice, NOT_EXECUTABLE)


def _attend(child: int) -> int:
    while True:
        number, from_somebody = _next_signal()
        if number in PASSED_ON and from_somebody:
            os.kill(child, number)
        ended = _reap(child)
        if ended is not None:
            return ended


def _next_signal() -> tuple[int, bool]:
    """The next signal, and whether a process sent it. The terminal sends to the whole group, which has the child.

    0 after a while without one: a thread that does not block SIGCHLD may have taken it.
    """
    if hasattr(signal, "sigtimedwait"):
        info = signal.sigtimedwait(_AWAITED, _LOOK_SECONDS)
        return (info.si_signo, info.si_code <= 0) if info else (0, False)
    number = signal.sigwait(_AWAITED)
    return number, number not in _FROM_TERMINAL or not os.isatty(0)


def _reap(child: int) -> int | None:
    """The exit code if the child has ended. A child that stopped on a terminal stops us too, as one job."""
    found, status = os.waitpid(child, os.WNOHANG | os.WUNTRACED)
    if found == 0:
        return None
    if os.WIFSTOPPED(status):
        if _in_foreground():
            os.kill(os.getpid(), signal.SIGSTOP)
            os.kill(child, signal.SIGCONT)
        return None
    code = os.waitstatus_to_exitcode(status)
    return code if code >= 0 else 128 - code


def _in_foreground() -> bool:
    try:
        return os.tcgetpgrp(0) == os.getpgrp()
    except OSError:
        return False
