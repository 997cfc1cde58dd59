"""System calls that Python has no function for. Numbers are those of the kernel's tables for x86-64 and arm64."""

from __future__ import annotations

import ctypes
import errno
import os
import platform
from collections.abc import Iterator
from pathlib import Path
from typing import Final

_libc: Final = ctypes.CDLL(None, use_errno=True)
_EVERYWHERE: Final = {"open_tree": 428, "move_mount": 429, "fsopen": 430, "pidfd_open": 434, "pidfd_getfd": 438}
_EVERYWHERE_ELSE: Final = {"io_uring_setup": 425, "kexec_file_load": 320, "pidfd_send_signal": 424, "openat2": 437}
_X86_64: Final = {
    "add_key": 248, "keyctl": 250, "bpf": 321, "perf_event_open": 298, "userfaultfd": 323, "pivot_root": 155,
    "init_module": 175, "reboot": 169, "open": 2, "creat": 85, "mknod": 133,
}  # fmt: skip
_ARM64: Final = {
    "add_key": 217, "keyctl": 219, "bpf": 280, "perf_event_open": 241, "userfaultfd": 282, "pivot_root": 41,
    "init_module": 105, "kexec_file_load": 294, "reboot": 142,
}  # fmt: skip
_OWN: Final = {"x86_64": _X86_64, "aarch64": _ARM64}.get(platform.machine(), {})
_NUMBERS: Final = {**_EVERYWHERE, **_EVERYWHERE_ELSE, **_OWN}


def system(name: str, *arguments: object) -> int:
    """A system call by name, as its table has it. Raises OSError; ENOSYS for a machine whose number is not known."""
    if name not in _NUMBERS:
        raise OSError(errno.ENOSYS, os.strerror(errno.ENOSYS))
    return _checked(_libc.syscall(ctypes.c_long(_NUMBERS[name]), *map(_word, arguments)))


def library(name: str, *arguments: object) -> int:
    """A function of the C library that answers -1 and sets errno. Raises OSError, ENOSYS where there is none."""
    try:
        function = getattr(_libc, name)
    except AttributeError:
        raise OSError(errno.ENOSYS, os.strerror(errno.ENOSYS)) from None
    return _checked(function(*map(_word, arguments)))


def _word(value: object) -> object:
    """Integers as wide as a register; the rest as ctypes takes it."""
    return ctypes.c_long(value) if isinstance(value, int) else value


def _checked(result: int) -> int:
    if result < 0:
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number))
    return result


def processes() -> Iterator[int]:
    """Ids of the processes that can be seen here."""
    return (int(entry.name) for entry in Path("/proc").iterdir() if entry.name.isdecimal())


def started(pid: int) -> int:
    """When it started, in clock ticks since the machine did; the field after the name in brackets. Raises OSError."""
    after = Path(f"/proc/{pid}/stat").read_bytes().rpartition(b")")[2].split()
    return int(after[19])


def status(field: str, pid: int | str = "self") -> str:
    """A line of /proc/<pid>/status, empty where there is none. Raises OSError."""
    for line in Path(f"/proc/{pid}/status").read_text(encoding="utf-8", errors="replace").splitlines():
        if line.startswith(f"{field}:"):
            return line.partition(":")[2].strip()
    return ""


def capabilities() -> int:
    """Those that this process has in effect."""
    return int(status("CapEff") or "0", 16)


def pointer(buffer: object) -> ctypes.c_void_p:
    return ctypes.cast(buffer, ctypes.c_void_p)  # type: ignore[arg-type]
