"""What `tf doctor --escape` lays out that is no listener: memory, queues, a key, programs; looked at afterwards."""

from __future__ import annotations

import contextlib
import ctypes
import os
import secrets
import signal
import subprocess
import sys
from pathlib import Path
from typing import Final

from tameflare.cli.escape_targets import Lookout
from tameflare.isolate.probes.base import Process
from tameflare.isolate.probes.kernel import library, pointer, processes, started, system

_SIZE: Final = 4096
_PRIVATE, _CREATE, _REMOVE = 0, 0o1000, 0
_WAITING_PROGRAM: Final = "import sys; sys.stdin.read()"
_USER_KEYRING, _SESSION_KEYRING = -4, -3
_JOIN, _LINK, _INVALIDATE = 1, 8, 21
_NO_WAIT: Final = 0o4000


class Memory:
    """A System V segment and a file in /dev/shm, into which a mark may be written."""

    def __init__(self, stack: contextlib.ExitStack, nonce: str) -> None:
        self.number = -1
        self.files: list[str] = []
        with contextlib.suppress(OSError):
            self.number = library("shmget", _PRIVATE, _SIZE, _CREATE | 0o600)
            stack.callback(library, "shmctl", self.number, _REMOVE, None)
        path = Path("/dev/shm", f"tf-escape.{nonce}")  # noqa: S108 - shared on purpose
        with contextlib.suppress(OSError):
            path.touch(0o600, exist_ok=False)
            stack.callback(path.unlink, missing_ok=True)
            self.files.append(str(path))

    def look(self, lookout: Lookout) -> None:
        for path in self.files:
            lookout.note(Path(path).read_bytes())
        if self.number >= 0:
            lookout.note(self._segment())

    def _segment(self) -> bytes:
        libc = ctypes.CDLL(None, use_errno=True)
        libc.shmat.restype = ctypes.c_void_p
        place = libc.shmat(ctypes.c_int(self.number), None, 0o10000)
        if place in {None, ctypes.c_void_p(-1).value}:
            return b""
        found = ctypes.string_at(place, 512)
        libc.shmdt(ctypes.c_void_p(place))
        return found


class Queues:
    """Message queues of System V and POSIX."""

    def __init__(self, stack: contextlib.ExitStack, nonce: str) -> None:
        self.number, self.name, self._posix = -1, "", -1
        with contextlib.suppress(OSError):
            self.number = library("msgget", _PRIVATE, _CREATE | 0o600)
            stack.callback(library, "msgctl", self.number, _REMOVE, None)
        name = f"/tf-escape.{nonce}"
        with contextlib.suppress(OSError):
            self._posix = library("mq_open", name.encode(), os.O_RDWR | os.O_CREAT | os.O_NONBLOCK, 0o600, None)
            stack.callback(library, "mq_close", self._posix)
            stack.callback(library, "mq_unlink", name.encode())
            self.name = name

    def look(self, lookout: Lookout) -> None:
        buffer = ctypes.create_string_buffer(1 << 16)
        with contextlib.suppress(OSError):
            library("msgrcv", self.number, pointer(buffer), _SIZE, 0, _NO_WAIT)
            lookout.note(buffer.raw[:_SIZE])
        with contextlib.suppress(OSError):
            library("mq_receive", self._posix, pointer(buffer), len(buffer), None)
            lookout.note(buffer.raw[:_SIZE])


def key(stack: contextlib.ExitStack, nonce: str) -> int:
    """A key in a session keyring of our own, as a log-in makes one, and in the user's: its number, 0 without any."""
    text = f"tf-escape.{nonce}.keyring\n".encode()
    try:
        system("keyctl", _JOIN, None)
        number = system("add_key", b"user", f"tf-escape.{nonce}".encode(), text, len(text), _SESSION_KEYRING)
        system("keyctl", _LINK, number, _USER_KEYRING)
    except OSError:
        return 0
    stack.callback(_forget, number)
    return number


def _forget(number: int) -> None:
    with contextlib.suppress(OSError):
        system("keyctl", _INVALIDATE, number)


class Programs:
    """Two ordinary programs of this user, one to be looked into and one to be ended; they end with their stdin."""

    def __init__(self, stack: contextlib.ExitStack) -> None:
        self._all = [stack.enter_context(contextlib.closing(_Waiting())) for _ in range(2)]

    def facts(self) -> list[Process]:
        return [Process("an ordinary program", each.pid, started(each.pid)) for each in self._all]

    def look(self, lookout: Lookout) -> None:
        if self._all[1].ended_by() == signal.SIGUSR1:
            lookout.arrived.add("other-end")


class _Waiting:
    def __init__(self) -> None:
        self._program = subprocess.Popen(  # noqa: S603 - our own program
            [sys.executable, "-I", "-S", "-c", _WAITING_PROGRAM], stdin=subprocess.PIPE, stdout=subprocess.DEVNULL
        )
        self.pid = self._program.pid

    def ended_by(self) -> int | None:
        """The signal, or None if it lives, or ended otherwise."""
        code = self._program.poll()
        return -code if code is not None and code < 0 else None

    def close(self) -> None:
        assert self._program.stdin is not None
        self._program.stdin.close()
        self._program.wait()


def end_survivors(lookout: Lookout, nonce: str) -> None:
    """Programs of the run that are still there: a finding, and then they are ended."""
    mark = f"tf-escape.{nonce}.survivor".encode()
    for pid in processes():
        if pid != os.getpid() and _command_line(pid).endswith(mark + b"\0"):
            lookout.arrived.add("survivor")
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)


def _command_line(pid: int) -> bytes:
    try:
        return Path(f"/proc/{pid}/cmdline").read_bytes()
    except OSError:
        return b""


def new_nonce() -> str:
    return secrets.token_hex(8)
