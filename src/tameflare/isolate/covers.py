"""Empty stand-ins for what is hidden: a directory and a file, put over names of it as mounts."""

from __future__ import annotations

import errno
import os
import stat
from pathlib import Path
from typing import Final

from tameflare.isolate import kernel
from tameflare.isolate.kernel import MS_BIND

PRIVATE: Final = ("/tmp", "/var/tmp", "/run", "/var/run")  # noqa: S108 - places, not files of ours


class Covers:
    """Keeps the stand-ins in `draft`, a directory of ours that nobody else can change."""

    def __init__(self, draft: Path) -> None:
        self._draft = draft
        self._stand_ins: list[os.stat_result] = []

    def make(self) -> None:
        """Make them, read-only."""
        (self._draft / "folder").mkdir(0o555)
        (self._draft / "file").touch(0o444)
        for name in ("folder", "file"):
            place = str(self._draft / name)
            kernel.mount(place, place, None, MS_BIND)
            kernel.set_mount(place, add=kernel.MOUNT_ATTR_RDONLY)
            self._stand_ins.append((self._draft / name).stat())

    def put_over(self, path: str, inode: int = 0) -> None:
        """Put an empty stand-in over one name, if there is such a thing.

        With `inode` it must be that very one: who moves it away meanwhile must not find it uncovered. Raises OSError
        (ESTALE) otherwise, unless it lies in a private place and is not shown there.
        """
        try:
            handle = os.open(path, os.O_PATH | os.O_NOFOLLOW | os.O_CLOEXEC)
        except OSError:
            if inode and not any(path.startswith(f"{place}/") for place in PRIVATE):
                raise _moved(path) from None
            return
        try:
            found = os.fstat(handle)
            if any(os.path.samestat(found, own) for own in self._stand_ins):
                return  # covered before, under another name of it
            if inode not in (0, found.st_ino):
                raise _moved(path)
            if not stat.S_ISLNK(found.st_mode):
                stand_in = self._draft / ("folder" if stat.S_ISDIR(found.st_mode) else "file")
                kernel.mount(str(stand_in), f"/proc/self/fd/{handle}", None, MS_BIND)
        finally:
            os.close(handle)


def _moved(path: str) -> OSError:
    return OSError(errno.ESTALE, os.strerror(errno.ESTALE), path)
