"""What every long-lived process of ours does at its start: close itself to others, own its directory, take sockets."""

from __future__ import annotations

import contextlib
import ctypes
import errno
import fcntl
import os
import resource
import socket
import stat
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import IO, Final

from tameflare.core.errors import TameFlareError

LISTEN_FD: Final = "TF_LISTEN_FD"

_PR_SET_DUMPABLE: Final = 4
_OTHERS: Final = 0o077
_MANY_FILES: Final = 65536


class StartFault(TameFlareError):
    """Something about the machine that keeps a process from starting."""

    code = "start_refused"


def harden() -> None:
    """Leave no core file, and be closed to others as `close_to_debuggers` does. Raises StartFault likewise."""
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    close_to_debuggers()


def close_to_debuggers() -> None:
    """On Linux be undumpable: no debugger, no /proc/<pid>/environ or mem for the same user. Programs that this one
    starts are as usual. Raises StartFault where the kernel refuses.
    """
    if not sys.platform.startswith("linux"):
        return
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.prctl(_PR_SET_DUMPABLE, 0, 0, 0, 0) != 0:
        raise StartFault(f"this process cannot be closed to debuggers: {os.strerror(ctypes.get_errno())}")


def raise_file_limit() -> int:
    """Allow as many open files as the machine lets us, and say how many: each connection takes one or two."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = max(soft, _MANY_FILES) if hard == resource.RLIM_INFINITY else hard
    resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))
    return wanted


def private_directory(path: Path, *, allow_wide: bool = False) -> Path:
    """Make the directory with mode 0700, or check that it and everything in it is its user's alone.

    Raises StartFault where it is wider (unless `allow_wide`), not a directory, or not to be had.
    """
    try:
        path.mkdir(mode=0o700, parents=True, exist_ok=True)
        if not os.access(path, os.R_OK | os.W_OK | os.X_OK):
            raise StartFault(f"`{path}` cannot be read and written", "give it to the user that runs this")
        if not allow_wide:
            _refuse_wide(path)
    except OSError as fault:
        raise StartFault(
            f"`{path}` cannot be used: {os.strerror(fault.errno or errno.EIO)}", "set TF_DATA_DIR to another place"
        ) from None
    return path


def _refuse_wide(path: Path) -> None:
    check_private(path)
    for folder, folders, files in os.walk(path):
        for name in (*folders, *files):
            with contextlib.suppress(FileNotFoundError):  # a temporary file of another process of ours
                check_private(Path(folder, name))


def check_private(path: Path) -> None:
    """Raises StartFault where group or others may do anything with it; a missing file is FileNotFoundError."""
    found = path.lstat()
    mode = stat.S_IMODE(found.st_mode)
    if mode & _OTHERS and not stat.S_ISLNK(found.st_mode):
        right = "700" if stat.S_ISDIR(found.st_mode) else "600"
        raise StartFault(
            f"`{path}` may be used by others (mode {mode:o})",
            f"run `chmod {right} {path}`, or set TF_ALLOW_WIDE_PERMISSIONS=true",
        )


def write_private(path: Path, data: bytes) -> None:
    """Replace the file as a whole, mode 0600, on the disk when this returns; a crash leaves the old or the new one."""
    draft = path.with_name(f".{path.name}.{os.getpid()}")
    handle = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o600)
    try:
        with os.fdopen(handle, "wb") as file:
            os.fchmod(file.fileno(), 0o600)
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        draft.replace(path)
    except OSError:
        draft.unlink(missing_ok=True)
        raise
    sync_directory(path.parent)


def sync_directory(path: Path) -> None:
    """Put the names in a directory on the disk."""
    handle = os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def hold_lock(path: Path, name: str) -> IO[bytes]:
    """Take the file's lock for as long as the answer is kept open; the file tells our process id.

    `name` is what we are. Raises StartFault if another process has the lock.
    """
    file = os.fdopen(os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600), "r+b", buffering=0)
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        other = (file.read(32) or b"").decode(errors="replace").strip()
        file.close()
        process = f" (process {other})" if other.isdecimal() else ""
        raise StartFault(
            f"another {name}{process} uses `{path.parent}`", "stop it, or set TF_DATA_DIR to another place"
        ) from None
    file.truncate(0)
    file.write(f"{os.getpid()}\n".encode())
    return file


def inherited_socket(environment: Mapping[str, str] | None = None) -> socket.socket | None:
    """The listening socket that the supervisor left in `TF_LISTEN_FD`, or None. Raises StartFault if it is none."""
    raw = (os.environ if environment is None else environment).get(LISTEN_FD, "")
    if not raw:
        return None
    try:
        listener = socket.socket(fileno=int(raw))
    except (ValueError, OSError):
        raise StartFault(f"{LISTEN_FD} `{raw}` is no socket", "unset it; only `tf up` sets it") from None
    listener.setblocking(False)
    os.set_inheritable(listener.fileno(), False)
    return listener
