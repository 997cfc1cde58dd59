"""The few calls of the Linux kernel that Python does not offer, each raising OSError with the kernel's number."""

from __future__ import annotations

import ctypes
import os
import platform
from typing import Any, Final

CLONE_NEWNS: Final = 0x00020000
CLONE_NEWCGROUP: Final = 0x02000000
CLONE_NEWUTS: Final = 0x04000000
CLONE_NEWIPC: Final = 0x08000000
CLONE_NEWUSER: Final = 0x10000000
CLONE_NEWPID: Final = 0x20000000
CLONE_NEWNET: Final = 0x40000000
CLONE_NEWTIME: Final = 0x00000080
ALL_NAMESPACES: Final = (
    CLONE_NEWNS | CLONE_NEWCGROUP | CLONE_NEWUTS | CLONE_NEWIPC | CLONE_NEWUSER | CLONE_NEWPID | CLONE_NEWNET
)

MS_RDONLY: Final = 1
MS_NOSUID: Final = 2
MS_NODEV: Final = 4
MS_NOEXEC: Final = 8
MS_BIND: Final = 4096
MS_MOVE: Final = 8192
MS_REC: Final = 16384
MS_PRIVATE: Final = 1 << 18

MOUNT_ATTR_RDONLY: Final = 1
MOUNT_ATTR_NOSUID: Final = 2
MOUNT_ATTR_NODEV: Final = 4

_AT_FDCWD: Final = -100
_AT_RECURSIVE: Final = 0x8000
_SYS_MOUNT_SETATTR: Final = 442
_PR_SET_PDEATHSIG: Final = 1
_PR_SET_DUMPABLE: Final = 4
_SYS_CAPSET: Final = {"x86_64": 126, "aarch64": 91}

_libc = ctypes.CDLL(None, use_errno=True)


class _MountAttributes(ctypes.Structure):
    _fields_ = tuple((name, ctypes.c_uint64) for name in ("set", "clear", "propagation", "namespace"))


def machine() -> str:
    """The architecture as Linux calls it, e.g. `x86_64`."""
    return platform.machine()


def _check(result: int, what: str) -> None:
    if result != 0:
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number), what)


def unshare(flags: int) -> None:
    _check(_libc.unshare(flags), "unshare")


def mount(source: str, target: str, kind: str | None = None, flags: int = 0, data: str = "") -> None:
    """mount(2). The fault's `filename` is the target."""
    words = [os.fsencode(word) if word is not None else None for word in (source, target, kind)]
    _check(_libc.mount(*words, ctypes.c_ulong(flags), data.encode() or None), target)


def set_mount(target: str, *, add: int = 0, clear: int = 0, recursive: bool = False) -> None:
    """mount_setattr(2), Linux 5.12: change flags of a mount, or of all mounts below it as well."""
    attributes = _MountAttributes(add, clear, 0, 0)
    number = _libc.syscall(
        ctypes.c_long(_SYS_MOUNT_SETATTR),
        ctypes.c_int(_AT_FDCWD),
        ctypes.c_char_p(os.fsencode(target)),
        ctypes.c_uint(_AT_RECURSIVE if recursive else 0),
        ctypes.byref(attributes),
        ctypes.c_size_t(ctypes.sizeof(attributes)),
    )
    _check(number, target)


def prctl(option: int, *arguments: Any) -> None:
    words = [ctypes.c_ulong(word) if isinstance(word, int) else word for word in [*arguments, 0, 0, 0, 0][:4]]
    _check(_libc.prctl(ctypes.c_int(option), *words), f"prctl {option}")


def die_with_parent(number: int) -> None:
    """Have the kernel send that signal when the parent ends. Changing credentials undoes it."""
    prctl(_PR_SET_PDEATHSIG, number)


def close_to_debuggers() -> None:
    prctl(_PR_SET_DUMPABLE, 0)


class _CapabilityHeader(ctypes.Structure):
    _fields_ = (("version", ctypes.c_uint32), ("pid", ctypes.c_int))


def drop_all_capabilities() -> None:
    """Empty the effective, permitted and inheritable sets (version 3: two words each)."""
    header = _CapabilityHeader(0x20080522, 0)
    empty = (ctypes.c_uint32 * 6)()
    number = _SYS_CAPSET[machine()]
    _check(_libc.syscall(ctypes.c_long(number), ctypes.byref(header), ctypes.byref(empty)), "capset")
