"""What of the file system the command sees: everything but the places below, which are private, empty or read-only.

All of it is made in a mount namespace of ours; a second one inside (see `inside`) makes the kernel lock it, so that
what lies beneath cannot be laid bare again.
"""

from __future__ import annotations

import base64
import contextlib
import os
import stat
from collections.abc import Iterable
from pathlib import Path
from typing import Final

from tameflare.isolate import kernel, mountinfo
from tameflare.isolate.covers import PRIVATE, Covers
from tameflare.isolate.devices import make_devices
from tameflare.isolate.kernel import MS_BIND, MS_NODEV, MS_NOEXEC, MS_NOSUID, MS_PRIVATE, MS_RDONLY, MS_REC
from tameflare.isolate.plan import Plan

_WHOLE: Final = (*PRIVATE, "/dev", "/dev/shm", "/proc", "/sys")  # noqa: S108 - a place, not a file of ours
"""What must not be seen under a second name either, as where the whole file system is mounted once more."""
_SPECIAL: Final = frozenset(
    {"proc", "sysfs", "devpts", "devtmpfs", "mqueue", "bpf", "debugfs", "tracefs", "securityfs", "configfs", "fusectl"}
    | {"efivarfs", "binfmt_misc", "nfsd", "rpc_pipefs", "nsfs", "cgroup", "cgroup2", "pstore", "selinuxfs", "hugetlbfs"}
)
"""File systems through which the kernel is reached; where they are mounted outside of /proc, /sys and /dev too."""
_AUTOMATIC: Final = ("/net", "/misc")
"""Where looking at a name has a service outside look it up and mount it (autofs)."""
_SYS_BLANK: Final = ("kernel/debug", "kernel/tracing", "kernel/security", "firmware", "class/net", "fs/bpf", "fs/fuse")
_KERNEL_LOGS: Final = ("kcore", "kmsg", "keys", "key-users", "timer_list", "latency_stats", "sched_debug", "kallsyms")
_SYSTEM_PARTS: Final = ("/run/current-system", "/run/booted-system", "/run/opengl-driver", "/run/wrappers")
"""Of NixOS, which keeps its programs there."""


class Layout:
    """Owns the place where drafts and empty stand-ins are kept while mounts are made: the new /run."""

    def __init__(self, plan: Plan) -> None:
        self._plan = plan
        self._draft = Path("/run/.isolate")
        self._covers = Covers(self._draft)
        self._second: dict[str, list[str]] = {}

    def make(self) -> None:
        """Everything, in the order in which one thing needs the other. Raises OSError naming the place."""
        kernel.mount("none", "/", None, MS_REC | MS_PRIVATE)
        kernel.set_mount("/", add=kernel.MOUNT_ATTR_NODEV | kernel.MOUNT_ATTR_NOSUID, recursive=True)
        self._look_for_second_names()
        held = self._hold((*_SYSTEM_PARTS, *self._plan.show, *self._plan.read_only))
        for path in self._plan.firm:
            self._read_only(path)
        self._private()
        for path, handle in held.items():
            self._show(path, handle)
        self._covers.make()
        make_devices(self._draft / "dev")
        self._proc()
        self._sys()
        self._hide_special()
        for place in _WHOLE:
            for name in self._second[place]:
                self._covers.put_over(name)
        self._pin()
        for path in self._plan.read_only:
            self._read_only(path)
        for path, inode in self._plan.hidden.items():
            self._hide(path, inode)
        for path in self._plan.sockets:
            self._hide(path)
        self._files()

    def _look_for_second_names(self) -> None:
        """Now, while every place is still to be seen: what is covered cannot be compared with its other names."""
        table = mountinfo.read()
        plan = self._plan
        for path in (*plan.firm, *plan.read_only, *plan.hidden, *plan.sockets):
            self._second[path] = list(mountinfo.others(path, table))
        for place in _WHOLE:
            self._second[place] = list(mountinfo.others(place, table, parts=False))

    def _hold(self, paths: Iterable[str]) -> dict[str, int]:
        """Places in private and firm directories, kept open while these are covered; parents before children."""
        held = {}
        for path in sorted(set(paths)):
            if self._is_covered(path):
                with contextlib.suppress(FileNotFoundError):
                    held[path] = os.open(path, os.O_PATH | os.O_CLOEXEC)
        return held

    def _is_covered(self, path: str) -> bool:
        firm = self._plan.firm if path in self._plan.show else ()
        return any(path.startswith(place + "/") for place in (*PRIVATE, *firm)) or path in firm

    def _private(self) -> None:
        for place in PRIVATE:
            if Path(place).is_symlink() or not Path(place).is_dir() or place in self._plan.show:
                continue
            mode = "755" if place.endswith("run") else "1777"
            kernel.mount("tmpfs", place, "tmpfs", MS_NOSUID | MS_NODEV, f"mode={mode}")
        self._draft.mkdir()

    def _show(self, path: str, handle: int) -> None:
        target = Path(path)
        if not target.exists():
            target.parent.mkdir(parents=True, exist_ok=True)
            target.mkdir() if stat.S_ISDIR(os.fstat(handle).st_mode) else target.touch()
        kernel.mount(f"/proc/self/fd/{handle}", path, None, MS_BIND | MS_REC)
        os.close(handle)

    def _hide(self, path: str, inode: int = 0) -> None:
        for name in self._second[path]:
            self._covers.put_over(name)
        self._covers.put_over(path, inode)

    def _read_only(self, path: str) -> None:
        for name in (*self._second[path], path):
            if os.path.lexists(name):
                kernel.mount(name, name, None, MS_BIND | MS_REC)
                kernel.set_mount(name, add=kernel.MOUNT_ATTR_RDONLY, recursive=True)

    def _pin(self) -> None:
        """A mount point cannot be renamed; so each parent that could be renamed becomes one."""
        parents = {str(parent) for path in self._plan.pinned for parent in Path(path).parents}
        for parent in sorted(parents - {"/"}):
            if Path(parent).is_dir() and os.access(Path(parent).parent, os.W_OK):
                kernel.mount(parent, parent, None, MS_BIND | MS_REC)

    def _proc(self) -> None:
        """The processes of this run only. Where /proc is not fully visible outside, the kernel refuses it (EPERM)."""
        kernel.mount("proc", "/proc", "proc", MS_NOSUID | MS_NODEV | MS_NOEXEC)

    def seal_proc(self) -> None:
        """Afterwards nothing of the kernel can be set through /proc, whoever the user is outside."""
        for entry in sorted(Path("/proc").iterdir()):
            if entry.name.isdecimal() or entry.is_symlink():
                continue
            if entry.name in _KERNEL_LOGS:
                self._covers.put_over(str(entry))
            elif entry.is_dir() or entry.lstat().st_mode & 0o222:
                kernel.mount(str(entry), str(entry), None, MS_BIND | MS_REC)
                kernel.set_mount(str(entry), add=kernel.MOUNT_ATTR_RDONLY, recursive=True)

    def _sys(self) -> None:
        interfaces = {str(link.resolve().parent) for link in Path("/sys/class/net").glob("*")}
        for place in (*sorted(interfaces), *(f"/sys/{name}" for name in _SYS_BLANK)):
            self._covers.put_over(place)
        if os.path.ismount("/sys"):
            kernel.set_mount("/sys", add=kernel.MOUNT_ATTR_RDONLY, recursive=True)

    def _hide_special(self) -> None:
        for mount in mountinfo.read():
            own = any(
                mount.point == place or mount.point.startswith(place + "/") for place in ("/proc", "/sys", "/dev")
            )
            if (mount.kind in _SPECIAL and not own) or mount.point in _AUTOMATIC:
                self._covers.put_over(mount.point)

    def _files(self) -> None:
        for path, text in self._plan.files.items():
            place = Path(path)
            place.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            place.touch(0o600)
            place.write_bytes(base64.b64decode(text))
        self._names()

    def _names(self) -> None:
        """Have the proxy's own name, which its certificate is for, lead to the way out."""
        hosts = Path("/etc/hosts")
        if not self._plan.names or not hosts.is_file():
            return
        text = f"127.0.0.1 {' '.join(self._plan.names)}\n{hosts.read_text(encoding='utf-8', errors='replace')}"
        stand_in = self._draft / "hosts"
        stand_in.write_text(text, encoding="utf-8")
        kernel.mount(str(stand_in), str(hosts), None, MS_BIND)
        kernel.set_mount(str(hosts), add=kernel.MOUNT_ATTR_RDONLY)

    def finish(self) -> None:
        """Cover the drafts; /run itself is left to the command."""
        kernel.mount("tmpfs", str(self._draft), "tmpfs", MS_NOSUID | MS_NODEV | MS_RDONLY, "mode=555,size=4k")
