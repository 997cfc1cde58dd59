"""A small /dev: what programs need and nothing that leads to hardware, to other terminals or to other processes."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Final

from tameflare.isolate import kernel
from tameflare.isolate.kernel import MS_BIND, MS_MOVE, MS_NODEV, MS_NOEXEC, MS_NOSUID

_NODES: Final = ("null", "zero", "full", "random", "urandom", "tty")
_LINKS: Final = {
    "fd": "/proc/self/fd",
    "stdin": "/proc/self/fd/0",
    "stdout": "/proc/self/fd/1",
    "stderr": "/proc/self/fd/2",
    "ptmx": "pts/ptmx",
}


def make_devices(draft: Path) -> None:
    """Build it in the empty directory `draft`, then put it over /dev."""
    draft.mkdir()
    kernel.mount("tmpfs", str(draft), "tmpfs", MS_NOSUID, "mode=755,size=64k")
    for name in _NODES:
        node = draft / name
        node.touch()
        kernel.mount(f"/dev/{name}", str(node), None, MS_BIND)
        kernel.set_mount(str(node), clear=kernel.MOUNT_ATTR_NODEV, add=kernel.MOUNT_ATTR_NOSUID)
    for name, target in _LINKS.items():
        (draft / name).symlink_to(target)
    _terminals(draft / "pts")
    _shared_memory(draft / "shm")
    kernel.mount(str(draft), "/dev", None, MS_MOVE)
    draft.rmdir()


def _terminals(point: Path) -> None:
    """Pseudo-terminals of its own: those of the user's other programs are not there."""
    point.mkdir()
    kernel.mount("devpts", str(point), "devpts", MS_NOSUID | MS_NOEXEC, "newinstance,ptmxmode=0666,mode=620")


def _shared_memory(point: Path) -> None:
    point.mkdir()
    kernel.mount("tmpfs", str(point), "tmpfs", MS_NOSUID | MS_NODEV, "mode=1777")


def use_standard_streams() -> None:
    """Descriptors 0 to 2 must not be directories: one that was opened outside shows what is hidden inside.

    Raises OSError for one that is.
    """
    for number in range(3):
        try:
            kind = os.fstat(number).st_mode
        except OSError:
            continue
        if kind & 0o170000 == 0o040000:
            raise IsADirectoryError(21, "is a directory", f"standard descriptor {number}")
