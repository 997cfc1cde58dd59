"""Process 1 of the namespace: starts the command, reaps what is orphaned, passes signals on, ends with the command.

It ends as soon as the command does; then the kernel kills whatever else runs in the namespace.
"""

from __future__ import annotations

import errno
import os
import resource
import signal
from collections.abc import Callable
from typing import Final

from tameflare.isolate.plan import Plan

PASSED: Final = frozenset(
    {signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGQUIT, signal.SIGUSR1, signal.SIGUSR2, signal.SIGWINCH}
    | {signal.SIGTSTP, signal.SIGCONT}
)
_EVERY: Final = frozenset(signal.Signals) | {signal.SIGRTMIN + number for number in PASSED}
_SHARED: Final = signal.SIGRTMIN
"""A signal n that the helper passes on arrives as SIGRTMIN + n: so it is told from what the terminal sends to all."""


def start(plan: Plan) -> tuple[int, int]:
    """Start the command; answers its process and the errno with which it could not be executed, 0 where it was."""
    reader, writer = os.pipe()
    signal.pthread_sigmask(signal.SIG_BLOCK, _EVERY)
    child = os.fork()
    if child == 0:
        os.close(reader)
        _become(plan, writer)
    os.close(writer)
    answer = os.read(reader, 16)
    os.close(reader)
    return child, int(answer or b"0")


def _become(plan: Plan, report: int) -> None:
    """Never returns. The pipe closes when the command is executed; else it tells why not."""
    try:
        if plan.detached:
            os.setsid()  # so that kill(0) reaches nothing of ours
        for number in (signal.SIGPIPE, signal.SIGXFSZ):
            signal.signal(number, signal.SIG_DFL)
        signal.pthread_sigmask(signal.SIG_SETMASK, plan.signals)
        os.execvpe(plan.command[0], plan.command, plan.environment)  # noqa: S606 - without a shell on purpose
    except OSError as fault:
        os.write(report, str(fault.errno or errno.EINVAL).encode())
    finally:
        os._exit(127)


def attend(child: int, stopped: Callable[[], None]) -> int:
    """Until the command has ended; its exit code, 128 + n for signal n. `stopped` is called when it was stopped."""
    while True:
        info = signal.sigwaitinfo(_EVERY)
        if info.si_signo == signal.SIGCHLD:
            ended = _reap(child, stopped)
            if ended is not None:
                return ended
        elif info.si_signo > _SHARED and info.si_pid == 0:  # from outside of the namespace
            os.kill(child, info.si_signo - _SHARED)


def _reap(child: int, stopped: Callable[[], None]) -> int | None:
    while True:
        try:
            found, status = os.waitpid(-1, os.WNOHANG | os.WUNTRACED)
        except ChildProcessError:
            return None
        if found == 0:
            return None
        if found != child:
            continue
        if os.WIFSTOPPED(status):
            stopped()
        else:
            return exit_code(status)


def exit_code(status: int) -> int:
    """Of a process that has ended, from what waitpid(2) said: 128 + n for signal n, as shells have it."""
    code = os.waitstatus_to_exitcode(status)
    return code if code >= 0 else 128 - code


def leave_no_core() -> None:
    """The value 1 also keeps a crash from being piped into a handler on the machine (core(5))."""
    hard = resource.getrlimit(resource.RLIMIT_CORE)[1]
    limit = 1 if hard == resource.RLIM_INFINITY or hard >= 1 else 0
    resource.setrlimit(resource.RLIMIT_CORE, (limit, limit))
