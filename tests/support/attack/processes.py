"""Looking into the product's processes and into what `tf run` hands down."""

from __future__ import annotations

import ctypes
import os
import shutil
import subprocess
import tempfile
from collections.abc import Callable
from pathlib import Path

from tests.support.attack.target import Attempt, Found, Target, read, verdict

_libc = ctypes.CDLL(None, use_errno=True)
_PTRACE_SEIZE, _PTRACE_INTERRUPT, _PTRACE_DETACH = 0x4206, 0x4207, 17
_WALL = 0x40000000
_PIDFD_OPEN, _PIDFD_GETFD = 434, 438
_SECRETS = (b"gwtk_", b"gwln_", b"tfu_", b"tfr_", b"SETTINGS_ENCRYPTION_KEY")


class _Span(ctypes.Structure):
    _fields_ = (("base", ctypes.c_void_p), ("length", ctypes.c_size_t))


def each(look: Callable[[int], bool]) -> Attempt:
    """An attempt on every process of the product, the parent among them."""

    def attempt(target: Target) -> Found:
        return verdict({name: look(pid) for name, pid in target.processes().items()})

    return attempt


def environment(pid: int) -> bool:
    return read(Path(f"/proc/{pid}/environ")) is not None


def command_line(pid: int) -> bool:
    """Anybody may read it; it is open if there is a secret in it."""
    line = read(Path(f"/proc/{pid}/cmdline")) or b""
    return any(secret in line for secret in _SECRETS)


def memory(pid: int) -> bool:
    try:
        with Path(f"/proc/{pid}/mem").open("rb"):
            return True
    except OSError:
        return read(Path(f"/proc/{pid}/maps")) is not None


def files(pid: int) -> bool:
    """Where its standard error leads, or what stands in the file; a list of bare numbers tells nothing."""
    place = Path(f"/proc/{pid}/fd/2")
    try:
        return bool(place.readlink())
    except OSError:
        return read(place) is not None


def trace(pid: int) -> bool:
    if _libc.ptrace(_PTRACE_SEIZE, pid, 0, 0) != 0:
        return False
    _libc.ptrace(_PTRACE_INTERRUPT, pid, 0, 0)
    os.waitpid(pid, _WALL)  # only a tracee that stands still can be let go
    _libc.ptrace(_PTRACE_DETACH, pid, 0, 0)
    return True


def read_across(pid: int) -> bool:
    """process_vm_readv(2): a refusal for want of a right is EPERM, whatever the address; EFAULT means we may."""
    buffer = ctypes.create_string_buffer(8)
    here, there = _Span(ctypes.addressof(buffer), 8), _Span(0x1000, 8)
    got = _libc.process_vm_readv(pid, ctypes.byref(here), 1, ctypes.byref(there), 1, 0)
    return bool(got >= 0 or ctypes.get_errno() == 14)


def take_descriptor(pid: int) -> bool:
    handle = _libc.syscall(_PIDFD_OPEN, pid, 0)
    if handle < 0:
        return False  # no such process, here
    taken = _libc.syscall(_PIDFD_GETFD, handle, 0, 0)
    os.close(handle)
    if taken < 0:
        return False
    os.close(taken)
    return True


def dump(pid: int) -> bool:
    """By gcore where it is installed; it works through ptrace, which is tried in any case."""
    program = shutil.which("gcore")
    if program is None:
        return trace(pid)
    with tempfile.TemporaryDirectory() as folder:
        command = [program, "-o", f"{folder}/core", str(pid)]
        subprocess.run(command, capture_output=True, timeout=60, check=False)
        return any(Path(folder).iterdir())


def inherited(target: Target) -> Found:
    """Descriptors beyond the three standard ones; the listing itself takes one, which is gone when we look at it."""
    found = [int(entry.name) for entry in Path("/proc/self/fd").iterdir()]
    return verdict({f"descriptor {number}": True for number in found if number > 2 and _is_open(number)})


def _is_open(number: int) -> bool:
    try:
        os.fstat(number)
    except OSError:
        return False
    return True


def own_environment(target: Target) -> Found:
    """The run's own token is meant to be there, and nothing else of ours."""
    told = "\n".join(value for name, value in os.environ.items() if name.lower() not in {"http_proxy", "https_proxy"})
    return verdict({mark: mark in told for mark in ("gwtk_", "gwln_", "tfu_")} | {"a key": _has_key()})


def _has_key() -> bool:
    return any(name.startswith(("SETTINGS_", "SIGNING_")) for name in os.environ)


ATTEMPTS: dict[str, Attempt] = {
    "read a process's environment": each(environment),
    "read secrets in command lines": each(command_line),
    "read a process's memory": each(memory),
    "look at a process's open files": each(files),
    "trace a process": each(trace),
    "read across with process_vm_readv": each(read_across),
    "take an open file with pidfd_getfd": each(take_descriptor),
    "dump a process's memory": each(dump),
    "use inherited open files": inherited,
    "find secrets in its own environment": own_environment,
}
