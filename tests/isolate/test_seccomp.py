"""The filter's instructions, run by a small interpreter of BPF for both architectures."""

from __future__ import annotations

import errno
import os
import struct

import pytest

from tameflare.isolate.numbers import ARCHITECTURES
from tameflare.isolate.seccomp import ALLOW, KILL, program

_LOAD, _EQUAL, _NOT_BELOW, _ANY_BIT, _RETURN = 0x20, 0x15, 0x35, 0x45, 0x06
NAMES = list(ARCHITECTURES)


def verdict(machine: str, number: int, *arguments: int, audit: int | None = None) -> int:
    """What the filter returns for a call."""
    architecture = ARCHITECTURES[machine]
    words = [*arguments, 0, 0, 0, 0, 0, 0][:6]
    data = struct.pack("<IIQ6Q", number, architecture.audit if audit is None else audit, 0, *words)
    lines, at, value = program(architecture), 0, 0
    while True:
        code, yes, no, constant = lines[at]
        at += 1
        if code == _LOAD:
            value = struct.unpack_from("<I", data, constant)[0]
        elif code == _RETURN:
            return constant
        else:
            tests = {_EQUAL: value == constant, _NOT_BELOW: value >= constant, _ANY_BIT: bool(value & constant)}
            at += yes if tests[code] else no


def call(machine: str, name: str, *arguments: int) -> int:
    return verdict(machine, ARCHITECTURES[machine].calls[name], *arguments)


def fails(number: int) -> int:
    return 0x00050000 | number


@pytest.mark.parametrize("machine", NAMES)
def test_what_is_refused_by_name(machine: str) -> None:
    for name in ("mount", "setns", "keyctl", "bpf", "perf_event_open", "open_by_handle_at", "kexec_load", "move_mount"):
        assert call(machine, name) == fails(errno.EPERM), name
    for name in ("io_uring_setup", "openat2"):
        assert call(machine, name) == fails(errno.ENOSYS)


@pytest.mark.parametrize("machine", NAMES)
def test_sockets_by_family(machine: str) -> None:
    for family in (1, 2, 10):
        assert call(machine, "socket", family, 1, 0) == ALLOW
    for family in (0, 3, 15, 17, 38, 40, 44):
        assert call(machine, "socket", family, 1, 0) == fails(errno.EAFNOSUPPORT), family
    assert call(machine, "socket", 16, 3, 0) == ALLOW
    assert call(machine, "socket", 16, 3, 4) == fails(errno.EAFNOSUPPORT)
    assert call(machine, "socketpair", 1, 1, 0) == ALLOW
    assert call(machine, "socketpair", 40, 1, 0) == fails(errno.EAFNOSUPPORT)


@pytest.mark.parametrize("machine", NAMES)
def test_upper_halves_of_arguments_change_nothing(machine: str) -> None:
    """The kernel reads an int; a filter that compared all 64 bits could be got round."""
    for request in (0x5412, 0x541C, 0x541D):
        assert call(machine, "ioctl", 0, request) == fails(errno.EPERM)
        assert call(machine, "ioctl", 0, request | 1 << 32) == fails(errno.EPERM)
    assert call(machine, "ioctl", 0, 0x5413) == ALLOW
    assert call(machine, "socket", 40 | 1 << 32, 1, 0) == fails(errno.EAFNOSUPPORT)


@pytest.mark.parametrize("machine", NAMES)
def test_threads_and_processes_are_made_but_no_namespaces(machine: str) -> None:
    assert call(machine, "clone", 0x003D0F00) == ALLOW
    assert call(machine, "clone", 17) == ALLOW
    assert call(machine, "unshare", 0x400) == ALLOW
    assert call(machine, "unshare", 0x80) == fails(errno.EPERM)
    for name in ("clone", "unshare"):
        for flag in (0x00020000, 0x02000000, 0x04000000, 0x08000000, 0x10000000, 0x20000000, 0x40000000):
            assert call(machine, name, flag | 17) == fails(errno.EPERM)


@pytest.mark.parametrize("machine", NAMES)
def test_other_architectures_are_killed_and_x32_is_not_there(machine: str) -> None:
    assert verdict(machine, 1, audit=0x40000003) == KILL
    assert verdict(machine, 0x40000000 | 165) == fails(errno.ENOSYS)
    assert verdict(machine, 0xFFFFFFFF) == fails(errno.ENOSYS)


@pytest.mark.parametrize("machine", NAMES)
def test_everything_else_passes(machine: str) -> None:
    named = set(ARCHITECTURES[machine].calls.values())
    for number in set(range(470)) - named:
        assert verdict(machine, number) == ALLOW, number


@pytest.mark.parametrize("machine", NAMES)
def test_no_set_user_id_files(machine: str) -> None:
    for name, at in {"chmod": 1, "fchmod": 1, "fchmodat": 2, "fchmodat2": 2}.items():
        if name in ARCHITECTURES[machine].calls:
            assert call(machine, name, *([0] * at), 0o4755) == fails(errno.EPERM)
            assert call(machine, name, *([0] * at), 0o2755) == ALLOW
            assert call(machine, name, *([0o4755] * at), 0o755) == ALLOW


@pytest.mark.parametrize("machine", NAMES)
def test_no_file_is_made_with_such_a_mode(machine: str) -> None:
    for name, at in {"creat": 1, "mknod": 1, "mknodat": 2}.items():
        if name in ARCHITECTURES[machine].calls:
            for mode in (0o4755, 0o2755, 0o104711, 0o4755 | 1 << 32):
                assert call(machine, name, *([0] * at), mode) == fails(errno.EPERM)
            assert call(machine, name, *([0o4755] * at), 0o100755) == ALLOW


@pytest.mark.parametrize("machine", NAMES)
@pytest.mark.parametrize("made", [os.O_CREAT, os.O_TMPFILE, os.O_CREAT | 1 << 32])
def test_nor_by_opening_where_the_flags_make_one(machine: str, made: int) -> None:
    for name, at in {"open": 1, "openat": 2}.items():
        if name in ARCHITECTURES[machine].calls:
            before = [0o4755 | made] * at
            for mode in (0o4755, 0o2755, 0o4755 | 1 << 16):
                assert call(machine, name, *before, os.O_WRONLY | made, mode) == fails(errno.EPERM)
                assert call(machine, name, *before, os.O_RDONLY | os.O_DIRECTORY, mode) == ALLOW
            assert call(machine, name, *before, os.O_WRONLY | made, 0o1777) == ALLOW
