"""The helper that makes the namespaces: its own process outside of them, and process 1 inside.

Started by `launch` as `python -I -S`, so it uses the standard library alone and has none of the parent's memory. It
speaks over one socket: the plan comes in; out go the listening sockets, and a fault where there is one.
"""

from __future__ import annotations

import contextlib
import fcntl
import json
import os
import select
import signal
import socket
from pathlib import Path
from typing import Any, Final, NoReturn

from tameflare.isolate import init, kernel, network, privileges
from tameflare.isolate.devices import use_standard_streams
from tameflare.isolate.mounts import Layout
from tameflare.isolate.plan import CONTROL, LENGTH, Plan
from tameflare.isolate.seccomp import install

STOPPED: Final = b"s"
FAILED: Final = 125


class Step(Exception):
    """What was being done when the kernel refused."""

    def __init__(self, name: str, fault: OSError) -> None:
        super().__init__(name)
        self.told = {"fault": name, "errno": fault.errno, "place": str(fault.filename or "")}


def main() -> NoReturn:
    """The whole life of the helper."""
    parent = os.getppid()
    _close_all_but(CONTROL)
    control = socket.socket(fileno=CONTROL)
    control.set_inheritable(False)
    plan = _receive(control)
    try:
        os._exit(_help(plan, control, parent))
    except Step as fault:
        _tell(control, fault.told)
    os._exit(FAILED)


def _close_all_but(kept: int) -> None:
    for number in [int(entry.name) for entry in Path("/proc/self/fd").iterdir()]:
        if number > 2 and number != kept:
            with contextlib.suppress(OSError):  # the one that the listing itself used is closed
                os.close(number)


def _receive(control: socket.socket) -> Plan:
    with control.makefile("rb") as stream:
        length = LENGTH.unpack(stream.read(LENGTH.size))[0]
        return Plan.decode(stream.read(length))


def _tell(control: socket.socket, message: dict[str, Any], handles: list[int] | None = None) -> None:
    socket.send_fds(control, [json.dumps(message).encode() + b"\n"], handles or [])


# --- outside of the process namespace


def _help(plan: Plan, control: socket.socket, parent: int) -> int:
    user, group = os.geteuid(), os.getegid()
    signal.pthread_sigmask(signal.SIG_BLOCK, signal.valid_signals())
    _do("streams", use_standard_streams)
    _do("unshare", kernel.unshare, kernel.ALL_NAMESPACES)
    _do("identity", privileges.keep_identity, user, group)
    kernel.die_with_parent(signal.SIGKILL)
    if os.getppid() != parent:
        os._exit(FAILED)
    alive, life = os.pipe()
    news, told = os.pipe()
    _announce(news)
    first = os.fork()
    if first == 0:
        os.close(life)
        os.close(news)
        _first(plan, control, alive, told)
    os.close(told)
    os.close(alive)
    control.close()
    return _pass_on(first, parent, news)


def _announce(news: int) -> None:
    """Have SIGIO tell of each byte; a thread cannot be had after the process namespace was unshared."""
    fcntl.fcntl(news, fcntl.F_SETOWN, os.getpid())
    fcntl.fcntl(news, fcntl.F_SETFL, os.O_ASYNC | os.O_NONBLOCK)


def _pass_on(first: int, parent: int, news: int) -> int:
    """What the parent sends goes to process 1. When the command was stopped, so are we: the parent takes us for it."""
    awaited = init.PASSED | {signal.SIGCHLD, signal.SIGIO}
    while True:
        info = signal.sigwaitinfo(awaited)
        if info.si_signo == signal.SIGIO:
            if _heard(news):
                os.kill(os.getpid(), signal.SIGSTOP)
            continue
        if info.si_signo == signal.SIGCHLD:
            found, status = os.waitpid(first, os.WNOHANG)
            if found:
                return init.exit_code(status)
        elif info.si_signo == signal.SIGCONT or (info.si_code <= 0 and info.si_pid == parent):
            os.kill(first, signal.SIGRTMIN + info.si_signo)


def _heard(news: int) -> bool:
    try:
        return os.read(news, 64) != b""
    except BlockingIOError:
        return False


# --- process 1


def _first(plan: Plan, control: socket.socket, alive: int, told: int) -> NoReturn:
    try:
        sockets = _build(plan)
        _leave_if_alone(alive)
        _tell(control, {"ready": True}, [listener.fileno() for listener in sockets])
        for listener in sockets:
            listener.close()
        child, number = init.start(plan)
        _tell(control, {"started": number})
        control.close()
        os._exit(FAILED if number else init.attend(child, lambda: _write(told)))
    except Step as fault:
        _tell(control, fault.told)
    finally:
        os._exit(FAILED)


def _build(plan: Plan) -> list[socket.socket]:
    """Mounts, network, limits; then a second user and mount namespace, which locks the mounts; then no powers."""
    user, group = os.geteuid(), os.getegid()
    layout = Layout(plan)
    _do("mounts", layout.make)
    _do("network", network.raise_loopback)
    _do("network", network.add_addresses, [host for host, _ in plan.listen])
    sockets: list[socket.socket] = _do("network", network.listeners, plan.listen)
    _do("limits", Path("/proc/sys/user/max_user_namespaces").write_text, "1")
    _do("mounts", layout.seal_proc)
    _do("mounts", layout.finish)
    _do("second", kernel.unshare, kernel.CLONE_NEWUSER | kernel.CLONE_NEWNS)
    _do("second", privileges.keep_identity, user, group)
    kernel.die_with_parent(signal.SIGKILL)
    _do("directory", os.chdir, plan.directory)
    _do("limits", init.leave_no_core)
    _do("powers", privileges.drop_powers)
    _do("powers", kernel.close_to_debuggers)
    _do("filter", install)
    return sockets


def _do(name: str, call: Any, *arguments: Any) -> Any:
    try:
        return call(*arguments)
    except OSError as fault:
        raise Step(name, fault) from None


def _leave_if_alone(alive: int) -> None:
    """The helper may have ended before the kernel was told to end us with it."""
    if select.select([alive], [], [], 0)[0]:
        os._exit(FAILED)


def _write(told: int) -> None:
    os.write(told, STOPPED)
