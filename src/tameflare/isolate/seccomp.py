"""The filter on system calls (seccomp, BPF): refuses what a governed command has no business with.

Everything else is allowed: the namespaces are the fence. The filter takes away ways to attack the kernel behind it, and
what namespaces do not cover: typing into the terminal (TIOCSTI), sockets to the hypervisor (AF_VSOCK), keyrings.
"""

from __future__ import annotations

import ctypes
import errno
import stat
import struct
from collections.abc import Iterator
from typing import Final

from tameflare.isolate import kernel
from tameflare.isolate.numbers import ARCHITECTURES, Architecture

_LOAD: Final = 0x20  # BPF_LD | BPF_W | BPF_ABS
_EQUAL: Final = 0x15  # BPF_JMP | BPF_JEQ | BPF_K
_NOT_BELOW: Final = 0x35  # BPF_JMP | BPF_JGE | BPF_K
_ANY_BIT: Final = 0x45  # BPF_JMP | BPF_JSET | BPF_K
_RETURN: Final = 0x06  # BPF_RET | BPF_K
_NUMBER, _ARCHITECTURE, _ARGUMENTS = 0, 4, 16  # offsets in struct seccomp_data

ALLOW: Final = 0x7FFF0000
KILL: Final = 0x80000000
_FAIL: Final = 0x00050000
_X32: Final = 0x40000000

_PR_SET_SECCOMP: Final = 22
_MODE_FILTER: Final = 2

_MODES: Final = {"chmod": 1, "fchmod": 1, "fchmodat": 2, "fchmodat2": 2}
"""Calls that set a mode, and which argument that is: a set-user-ID file could be run as us by others, outside.

Set-group-ID passes here, since directories have it for good reasons and the filter cannot tell what a path names.
"""
_MAKING: Final = {"creat": 1, "mknod": 1, "mknodat": 2}
"""Calls that make a file, and which argument is its mode."""
_OPENING: Final = {"openat": 2, "open": 1}
"""Calls that make a file where their flags say so, and which argument those are; the mode comes next."""
_CREATED: Final = 0o100 | 0o20000000  # O_CREAT, __O_TMPFILE: without them the mode is whatever was left there
_RUNS_AS_OWNER: Final = stat.S_ISUID | stat.S_ISGID
_PASSED: Final = frozenset({"ioctl", "socket", "socketpair", "clone", "unshare", *_MODES, *_MAKING, *_OPENING})
"""Calls that are refused by their arguments only."""
_FAMILIES: Final = (1, 2, 10)  # AF_UNIX, AF_INET, AF_INET6
_NETLINK: Final = 16  # AF_NETLINK, of which NETLINK_ROUTE (0) tells the addresses of interfaces
_TERMINAL: Final = (0x5412, 0x541C, 0x541D)  # TIOCSTI, TIOCLINUX, TIOCCONS
_NAMESPACES: Final = {"clone": kernel.ALL_NAMESPACES, "unshare": kernel.ALL_NAMESPACES | kernel.CLONE_NEWTIME}
"""To clone(2) the bit of time namespaces is part of a signal's number."""
_ABSENT: Final = frozenset({"io_uring_setup", "io_uring_enter", "io_uring_register", "openat2"})
"""Answered with ENOSYS, on which programs take their other road; openat2 has its mode where no filter can look."""

Instruction = tuple[int, int, int, int]


def program(architecture: Architecture) -> list[Instruction]:
    """The filter's instructions: code, jump if true, jump if false, constant.

    What programs call often stands first; calls that nothing here names cost nothing (the kernel keeps a list of them).
    """
    return [
        (_LOAD, 0, 0, _ARCHITECTURE),
        (_EQUAL, 1, 0, architecture.audit),
        (_RETURN, 0, 0, KILL),
        (_LOAD, 0, 0, _NUMBER),
        (_NOT_BELOW, 0, 1, _X32),
        (_RETURN, 0, 0, _fail(errno.ENOSYS)),
        *_by_arguments(architecture),
        *_refused(architecture),
        (_RETURN, 0, 0, ALLOW),
    ]


def install() -> None:
    """For this thread and all that come from it, for ever; it needs no_new_privs. Raises OSError."""
    code = b"".join(struct.pack("=HBBI", *line) for line in program(ARCHITECTURES[kernel.machine()]))
    buffer = ctypes.create_string_buffer(code, len(code))
    head = _Program(len(code) // 8, ctypes.addressof(buffer))
    kernel.prctl(_PR_SET_SECCOMP, _MODE_FILTER, ctypes.byref(head))


class _Program(ctypes.Structure):
    _fields_ = (("length", ctypes.c_ushort), ("filter", ctypes.c_void_p))


def _fail(number: int) -> int:
    return _FAIL | number


def _refused(architecture: Architecture) -> Iterator[Instruction]:
    for name, number in architecture.calls.items():
        if name not in _PASSED:
            yield (_EQUAL, 0, 1, number)
            yield (_RETURN, 0, 0, _fail(errno.ENOSYS if name in _ABSENT else errno.EPERM))


def _by_arguments(architecture: Architecture) -> Iterator[Instruction]:
    calls = architecture.calls
    for name in filter(calls.__contains__, _OPENING):
        mode = _without(_OPENING[name] + 1, _RUNS_AS_OWNER)
        yield from _when(calls[name], [_argument(_OPENING[name]), (_ANY_BIT, 0, len(mode), _CREATED), *mode])
    yield from _when(calls["socket"], _family())
    yield from _when(calls["socketpair"], _family())
    yield from _when(calls["ioctl"], [_argument(1), *_none_of(_TERMINAL)])
    for name in filter(calls.__contains__, _MODES):
        yield from _when(calls[name], _without(_MODES[name], stat.S_ISUID))
    for name in filter(calls.__contains__, _MAKING):
        yield from _when(calls[name], _without(_MAKING[name], _RUNS_AS_OWNER))
    for name, flags in _NAMESPACES.items():
        yield from _when(calls[name], _without(0, flags))


def _when(number: int, body: list[Instruction]) -> Iterator[Instruction]:
    """`body` for that call; it falls through to ALLOW where it refuses nothing."""
    yield (_EQUAL, 0, len(body) + 1, number)
    yield from body
    yield (_RETURN, 0, 0, ALLOW)


def _argument(index: int) -> Instruction:
    """The lower half of an argument, all that the kernel reads of an int; both architectures are little-endian."""
    return (_LOAD, 0, 0, _ARGUMENTS + 8 * index)


def _without(index: int, bits: int) -> list[Instruction]:
    """Refuse an argument that has any of these bits."""
    return [_argument(index), (_ANY_BIT, 0, 1, bits), _perm()]


def _family() -> list[Instruction]:
    allowed = (_RETURN, 0, 0, ALLOW)
    known: list[Instruction] = []
    for family in _FAMILIES:
        known += [(_EQUAL, 0, 1, family), allowed]
    netlink: list[Instruction] = [(_EQUAL, 0, 3, _NETLINK), _argument(2), (_EQUAL, 0, 1, 0), allowed]
    return [_argument(0), *known, *netlink, (_RETURN, 0, 0, _fail(errno.EAFNOSUPPORT))]


def _none_of(values: tuple[int, ...]) -> list[Instruction]:
    lines: list[Instruction] = []
    for value in values:
        lines += [(_EQUAL, 0, 1, value), _perm()]
    return lines


def _perm() -> Instruction:
    return (_RETURN, 0, 0, _fail(errno.EPERM))
