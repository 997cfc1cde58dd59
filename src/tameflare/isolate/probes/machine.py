"""The machine itself: kernel settings, devices, and calls of the kernel that are wider than a program needs."""

from __future__ import annotations

import ctypes
import errno
import os
import stat
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Final

from tameflare.isolate.probes.base import Came, Facts, Try, attempt, claim, each, reason
from tameflare.isolate.probes.kernel import pointer, system

_SYSCTLS: Final = (
    "/proc/sys/kernel/core_pattern", "/proc/sys/kernel/modprobe", "/proc/sys/kernel/hotplug",
    "/proc/sys/fs/binfmt_misc/register", "/proc/sysrq-trigger", "/proc/sys/kernel/yama/ptrace_scope",
    "/proc/sys/kernel/randomize_va_space", "/sys/kernel/uevent_helper", "/sys/kernel/mm/transparent_hugepage/enabled",
    "/proc/acpi/wakeup", "/proc/irq/default_smp_affinity", "/proc/sys/vm/overcommit_memory",
)  # fmt: skip
_MEMORY: Final = ("/dev/mem", "/dev/kmem", "/dev/port", "/proc/kcore", "/dev/kmsg", "/proc/kmsg", "/dev/nvram")
_HARMLESS: Final = frozenset(
    {"null", "zero", "full", "random", "urandom", "tty", "ptmx", "console", "stdin", "stdout", "stderr", "fd", "core"}
    | {"pts", "shm", "mqueue", "autofs"}
)
_USER_MODE_ONLY: Final = 1
_PERF_SIZE, _PERF_FLAGS, _USER_ONLY = 128, 40, 0x60


def _writable(path: str) -> None:
    """Opened for writing and closed again; nothing is written."""
    os.close(os.open(path, os.O_WRONLY | os.O_CLOEXEC | os.O_NONBLOCK))


def _readable(path: str) -> None:
    os.close(os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK))


def settings(_facts: Facts) -> Iterator[Try]:
    return each([path for path in _SYSCTLS if Path(path).exists()], _writable)


def cgroups(_facts: Facts) -> Iterator[Try]:
    """A release agent is started by the kernel, outside every namespace; a group's limits bind whoever is in it."""
    roots = [line.split()[1] for line in Path("/proc/self/mounts").read_text(encoding="utf-8").splitlines()]
    tops = [root for root in roots if root.startswith("/sys/fs/cgroup")]
    paths = [f"{top}/{name}" for top in tops for name in ("release_agent", "notify_on_release", "cgroup.procs")]
    present = [path for path in paths if Path(path).exists()]
    if not present:
        yield Try("control groups", Came.BLOCKED, "none is to be seen")
    yield from each(present, _writable)


def memory(_facts: Facts) -> Iterator[Try]:
    """Of the kernel: its memory, its ports, its messages. What merely stands in for them does not count."""
    present = [path for path in _MEMORY if _is_genuine(Path(path))]
    if not present:
        yield Try("/dev", Came.BLOCKED, "none of them is here")
    yield from each(present, _readable)


def _is_genuine(path: Path) -> bool:
    try:
        found = path.stat()
        return stat.S_ISCHR(found.st_mode) or found.st_dev == Path("/proc").stat().st_dev
    except OSError:
        return False


def disks(_facts: Facts) -> Iterator[Try]:
    """Whoever reads a disk below its file system reads every file; also by a device file of one's own making."""
    found = [f"/dev/{entry.name}" for entry in Path("/dev").iterdir() if _is(entry, stat.S_ISBLK)]
    if not found:
        yield Try("/dev", Came.BLOCKED, "no disk is here")
    yield from each(found, _readable)
    yield attempt("a device file of one's own", Came.DONE, _own_device)


def _own_device() -> None:
    numbers = Path("/sys/class/block").iterdir() if Path("/sys/class/block").is_dir() else iter(())
    text = next((Path(entry, "dev").read_text(encoding="ascii") for entry in numbers), "7:0")
    major, minor = (int(part) for part in text.split(":"))
    path = f"tf-escape-{os.getpid()}"
    os.mknod(path, stat.S_IFBLK | 0o600, os.makedev(major, minor))
    try:
        _readable(path)
    finally:
        os.unlink(path)  # noqa: PTH108 - beside its mknod


def devices(_facts: Facts) -> Iterator[Try]:
    """Keyboards, cameras, virtual machines, tunnels: everything in /dev beyond what every program needs. None is
    opened, since for some that alone does something."""
    found = sorted(_device_files(Path("/dev")))
    for entry in found:
        yield claim(str(entry), os.access(entry, os.R_OK, effective_ids=True), "it may be opened")
    if not found:
        yield Try("/dev", Came.BLOCKED, "only the harmless ones are here")


def _device_files(folder: Path) -> Iterator[Path]:
    for entry in folder.iterdir():
        if entry.name in _HARMLESS or str(entry) in _MEMORY or entry.name.startswith("tty"):
            continue
        if _is(entry, stat.S_ISCHR):
            yield entry
        elif entry.is_dir() and not entry.is_symlink() and os.access(entry, os.R_OK | os.X_OK):
            yield from _device_files(entry)


def _is(path: Path, kind: object) -> bool:
    try:
        return bool(callable(kind) and kind(path.lstat().st_mode))
    except OSError:
        return False


def calls(_facts: Facts) -> Iterator[Try]:
    """Each has had faults that led into the kernel; io_uring also does what a filter of calls would refuse."""
    words = ctypes.create_string_buffer(_PERF_SIZE)
    kept = ctypes.create_string_buffer((1).to_bytes(4, "little") + (_PERF_SIZE).to_bytes(4, "little"), _PERF_SIZE)
    kept[_PERF_FLAGS] = bytes([_USER_ONLY])
    deeds: dict[str, Callable[[], int]] = {
        "io_uring": lambda: system("io_uring_setup", 1, pointer(words)),
        "bpf": lambda: system("bpf", 0, pointer(_map_request()), 72),
        "perf events": lambda: system("perf_event_open", pointer(kept), 0, -1, -1, 0),
        "userfaultfd": lambda: system("userfaultfd", os.O_CLOEXEC | _USER_MODE_ONLY),
    }
    for name, deed in deeds.items():
        try:
            os.close(deed())
        except OSError as fault:
            yield Try(name, Came.BLOCKED, reason(fault))
            continue
        yield Try(name, Came.DONE, "granted")


def _map_request() -> ctypes.Array[ctypes.c_char]:
    """An array map of one entry: type 2, key of four bytes, value of four, one entry."""
    fields = (2, 4, 4, 1)
    return ctypes.create_string_buffer(b"".join(number.to_bytes(4, "little") for number in fields), 72)


def modules(_facts: Facts) -> Iterator[Try]:
    """An empty module and a kernel that is no file: refused in any case, but for what reason says whether we may."""
    yield _forbidden("load a module", lambda: system("init_module", None, 0, b""))
    yield _forbidden("load another kernel", lambda: system("kexec_file_load", -1, -1, 0, None, 0))


def _forbidden(way: str, deed: Callable[[], int]) -> Try:
    """Not permitted is what a program without the power hears; any other complaint means that it has it."""
    try:
        deed()
    except PermissionError as fault:
        return Try(way, Came.BLOCKED, reason(fault))
    except OSError as fault:
        known = reason(fault)
        return Try(way, Came.ABSENT if fault.errno == errno.ENOSYS else Came.DONE, f"permitted, and only then: {known}")
    return Try(way, Came.DONE)
