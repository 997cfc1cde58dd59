"""One server per database: a lock on a file beside it, which the kernel lets go of when the process ends."""

from __future__ import annotations

import fcntl
import os
from pathlib import Path
from typing import Final

from tameflare.core.errors import TameFlareError

NAME: Final = "server.lock"


class DatabaseInUse(TameFlareError):
    """Another server holds this database; stops the start."""

    code = "database_in_use"


class ServerLock:
    """Held until `release` or the end of the process."""

    def __init__(self, descriptor: int) -> None:
        self._descriptor = descriptor

    @classmethod
    def hold(cls, database: Path) -> ServerLock:
        """Lock `server.lock` in the directory of the database file. Raises DatabaseInUse, or OSError."""
        path = database.resolve().parent / NAME
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            holder = _holder(descriptor)
            os.close(descriptor)
            raise DatabaseInUse(
                f"another server{holder} uses the database in `{path.parent}`",
                "stop it, or set TF_DATA_DIR to another directory",
            ) from None
        os.ftruncate(descriptor, 0)
        os.pwrite(descriptor, f"{os.getpid()}\n".encode(), 0)
        return cls(descriptor)

    def release(self) -> None:
        """Let go; the file stays, so that no two processes lock different files of one name."""
        if self._descriptor >= 0:
            os.close(self._descriptor)
            self._descriptor = -1


def _holder(descriptor: int) -> str:
    text = os.pread(descriptor, 32, 0).decode(errors="replace").strip()
    return f" (process {text})" if text.isdecimal() else ""
