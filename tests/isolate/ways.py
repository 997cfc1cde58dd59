"""Ways out, tried from inside: `python ways.py` prints a JSON object of what came of each. Standard library only."""

from __future__ import annotations

import ctypes
import errno
import fcntl
import json
import os
import platform
import socket
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

libc = ctypes.CDLL(None, use_errno=True)
X86 = platform.machine() == "x86_64"
NEW_USER, NEW_ALL = 0x10000000, 0x7E020000
PTRACE_SEIZE = 0x4206


class Clone(ctypes.Structure):
    """struct clone_args of clone3(2)."""

    _fields_ = tuple(
        (name, ctypes.c_uint64)
        for name in ("flags", "pidfd", "child_tid", "parent_tid", "exit_signal", "stack", "stack_size", "tls")
    )


def call(number: int, *arguments: Any) -> int:
    return checked(libc.syscall(ctypes.c_long(number), *arguments))


def checked(result: int) -> int:
    if result < 0:
        raise OSError(ctypes.get_errno(), "refused")
    return result


def clone3() -> None:
    asked = Clone(flags=NEW_USER, exit_signal=17)
    if call(435, ctypes.byref(asked), ctypes.sizeof(asked)) == 0:
        os._exit(0)


def connect(host: str, port: int) -> None:
    socket.create_connection((host, port), 3).close()


def send(host: str, port: int = 53) -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as handle:
        handle.sendto(b"x", (host, port))


def make(family: int, kind: int, protocol: int = 0) -> None:
    socket.socket(family, kind, protocol).close()


def rename(path: str) -> None:
    Path(path).expanduser().rename(Path(path + "-moved").expanduser())


def write(path: str) -> None:
    with Path(path).expanduser().open("ab"):
        pass


def set_user_id(path: str) -> None:
    Path(path).touch()
    Path(path).chmod(0o4755)


def stuck(path: str, made: int = 0) -> None:
    """Whether the file that was just made outside has the bit."""
    if made:
        os.close(made)
    if not Path(path).stat().st_mode & 0o6000:
        raise PermissionError(errno.EPERM, "made without it")


def made_by_structure(path: str) -> int:
    how = (ctypes.c_uint64 * 3)(os.O_CREAT | os.O_WRONLY, 0o4755, 0)
    return call(437, -100, path.encode(), ctypes.byref(how), ctypes.sizeof(how))


def made_without_a_name(path: str) -> None:
    handle = os.open(".", os.O_TMPFILE | os.O_WRONLY, 0o4755)
    checked(libc.linkat(-100, f"/proc/self/fd/{handle}".encode(), -100, path.encode(), 0x400))
    stuck(path, handle)


def by_number(number: int, *arguments: Any) -> int:
    """A call that only x86-64 has."""
    if not X86:
        raise OSError(errno.ENOSYS, "no such call")
    return call(number, *arguments)


def kill_outside() -> None:
    """Processes that we can name at all, but for ourselves and process 1."""
    seen = {int(entry.name) for entry in Path("/proc").iterdir() if entry.name.isdecimal()} - {1, os.getpid()}
    if not seen:
        raise ProcessLookupError(errno.ESRCH, "nobody is there")


def descriptors() -> None:
    if {int(entry.name) for entry in Path("/proc/self/fd").iterdir()} <= {0, 1, 2, 3}:  # 3 is the listing itself
        raise OSError(errno.EBADF, "none")


def powers() -> None:
    status = Path("/proc/self/status").read_text()
    wanted = [
        "NoNewPrivs:\t1",
        "Seccomp:\t2",
        *(f"Cap{kind}:\t{0:016x}" for kind in ("Inh", "Prm", "Eff", "Bnd", "Amb")),
    ]
    if all(line in status for line in wanted):
        raise PermissionError(errno.EPERM, "no power")


def abstract() -> None:
    if len(Path("/proc/net/unix").read_text().splitlines()) <= 1:
        raise ConnectionRefusedError(errno.ECONNREFUSED, "none")


def namespace(name: str) -> None:
    handle = os.open(f"/proc/1/ns/{name}", os.O_RDONLY)
    checked(libc.setns(handle, 0))


WAYS: dict[str, Callable[[], Any]] = {
    "inherited descriptors": descriptors,  # first: others open some
    "a user namespace": lambda: checked(libc.unshare(NEW_USER)),
    "all namespaces": lambda: checked(libc.unshare(NEW_ALL)),
    "a user namespace by clone3": clone3,
    "setns by /proc/1/ns/mnt": lambda: namespace("mnt"),
    "setns by /proc/1/ns/net": lambda: namespace("net"),
    "umount /tmp": lambda: checked(libc.umount2(b"/tmp", 2)),
    "umount /proc": lambda: checked(libc.umount2(b"/proc", 2)),
    "bind /": lambda: checked(libc.mount(b"/", b"/mnt", None, 4096, None)),
    "open_tree": lambda: call(428, -100, b"/", 1),
    "fsopen": lambda: call(430, b"tmpfs", 0),
    "pivot_root": lambda: call(155 if X86 else 41, b"/", b"/"),
    "chroot": lambda: os.chroot("/"),
    "a block device": lambda: os.mknod("/tmp/disk", 0o60600, os.makedev(8, 0)),
    "open_by_handle_at": lambda: call(304 if X86 else 265, -1, 0, 0),
    "root of process 1": lambda: list(Path("/proc/1/root").iterdir()),
    "working directory of process 1": lambda: list(Path("/proc/1/cwd").iterdir()),
    "memory of process 1": lambda: os.open("/proc/1/mem", os.O_RDONLY),
    "environment of process 1": lambda: Path("/proc/1/environ").read_bytes(),
    "open files of process 1": lambda: Path("/proc/1/fd/2").readlink(),
    "trace process 1": lambda: checked(libc.ptrace(PTRACE_SEIZE, 1, 0, 0)),
    "pidfd_getfd of process 1": lambda: call(438, call(434, 1, 0), 2, 0),
    "processes outside": kill_outside,
    "capabilities": powers,
    "a public address": lambda: connect("192.0.2.1", 443),
    "the metadata address": lambda: connect("169.254.169.254", 80),
    "IPv6": lambda: connect("2001:db8::1", 443),
    "a service on the host's loopback": lambda: connect("127.0.0.1", int(sys.argv[1])),
    "the same by IPv6": lambda: connect("::1", int(sys.argv[1])),
    "UDP": lambda: send("192.0.2.1"),
    "multicast": lambda: send("224.0.0.251", 5353),
    "DNS": lambda: socket.getaddrinfo("example.com", 443),
    "abstract sockets": abstract,
    "the hypervisor (AF_VSOCK)": lambda: make(40, socket.SOCK_STREAM),
    "packet sockets": lambda: make(17, socket.SOCK_RAW),
    "raw sockets": lambda: make(socket.AF_INET, socket.SOCK_RAW, 1),
    "the kernel's ciphers (AF_ALG)": lambda: make(38, 5),
    "netlink other than routes": lambda: make(16, socket.SOCK_RAW, 4),
    "io_uring": lambda: call(425, 1, 0),
    "bpf": lambda: call(321 if X86 else 280, 0, 0, 0),
    "perf": lambda: call(298 if X86 else 241, 0, 0, 0, 0, 0),
    "userfaultfd": lambda: call(323 if X86 else 282, 0),
    "keyring": lambda: call(250 if X86 else 219, 0, -3, 0),
    "kernel log": lambda: call(103 if X86 else 116, 3, 0, 0),
    "x32 calls": lambda: call(0x40000000 + 39),
    "typing into the terminal": lambda: fcntl.ioctl(0, 0x5412, b"x"),
    "a sysctl": lambda: write("/proc/sys/kernel/core_pattern"),
    "sysfs": lambda: write("/sys/kernel/mm/transparent_hugepage/enabled"),
    "a set-user-ID file": lambda: set_user_id("planted"),
    "the same by openat": lambda: stuck("at", os.open("at", os.O_CREAT | os.O_WRONLY, 0o4755)),
    "the same by openat2": lambda: stuck("at2", made_by_structure("at2")),
    "the same without a name at first": lambda: made_without_a_name("nameless"),
    "the same by mknodat": lambda: stuck("node-at", os.mknod("node-at", 0o104755) or 0),
    "the same by open": lambda: stuck("open", by_number(2, b"open", os.O_CREAT | os.O_WRONLY, 0o4755)),
    "the same by creat": lambda: stuck("creat", by_number(85, b"creat", 0o4755)),
    "the same by mknod": lambda: stuck("node", by_number(133, b"node", 0o104755, 0)),
    "a set-group-ID file": lambda: stuck("group", os.open("group", os.O_CREAT | os.O_WRONLY, 0o2755)),
    "another user": lambda: os.setuid(1),
    "supplementary groups": lambda: os.setgroups([0]),
    "plant a log-in": lambda: write("~/.config/tameflare/login.json"),
    "plant data": lambda: write("~/.tameflare/planted"),
    "plant a project": lambda: write(".tf/config.yaml"),
    "move the configuration away": lambda: rename("~/.config"),
    "move the data away": lambda: rename("~/.tameflare"),
    "move the project's folder away": lambda: rename(".tf"),
    "TameFlare's code": lambda: write(sys.argv[2]),
}


def main() -> None:
    told = {}
    for name, way in WAYS.items():
        try:
            told[name] = f"open: {way()!r:.60}"
        except OSError as fault:
            told[name] = errno.errorcode.get(fault.errno or 0, "closed")
    sys.stdout.write(json.dumps(told))


if __name__ == "__main__":
    main()
