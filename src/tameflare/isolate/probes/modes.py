"""Making a program that runs as this user, whoever starts it: where it lies outside too, that is a way out."""

from __future__ import annotations

import errno
import os
import stat
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Final

from tameflare.isolate.probes.base import Came, Facts, Try, attempt
from tameflare.isolate.probes.kernel import system

_MODE: Final = stat.S_ISUID | stat.S_IRWXU
_HERE: Final = -100  # AT_FDCWD
_NEW: Final = os.O_CREAT | os.O_EXCL | os.O_WRONLY | os.O_CLOEXEC


def set_user_id(facts: Facts) -> Iterator[Try]:
    """Empty files in the home directory, by each call that sets a mode; they are removed at once."""
    path = str(Path.home() / f".tf-escape-{facts.nonce}-set-user-id")
    for name, deed in _WAYS.items():
        yield attempt(name, Came.DONE, _make, deed, path)
    yield attempt("file without a name", Came.DONE, _nameless, str(Path.home()))


def _make(deed: Callable[[str], object], path: str) -> None:
    """Raises OSError, also where a file was made and is an ordinary one."""
    try:
        deed(path)
        _check(os.stat(path).st_mode)  # noqa: PTH116 - the mode is asked for, not the path
    finally:
        Path(path).unlink(missing_ok=True)


def _check(mode: int) -> None:
    if not mode & stat.S_ISUID:
        raise PermissionError(errno.EPERM, "the mode was not taken")


def _change(path: str) -> None:
    Path(path).touch()
    Path(path).chmod(_MODE)


def _open(path: str) -> None:
    os.close(os.open(path, _NEW, _MODE))


def _open_by_structure(path: str) -> None:
    """openat2(2), with its struct open_how: flags, mode, resolve."""
    how = b"".join(value.to_bytes(8, "little") for value in (_NEW, _MODE, 0))
    os.close(system("openat2", _HERE, os.fsencode(path), how, len(how)))


def _node(path: str) -> None:
    os.mknod(path, stat.S_IFREG | _MODE)


def _nameless(folder: str) -> None:
    """O_TMPFILE; linkat(2) could name it afterwards."""
    handle = os.open(folder, os.O_TMPFILE | os.O_WRONLY | os.O_CLOEXEC, _MODE)
    try:
        _check(os.fstat(handle).st_mode)
    finally:
        os.close(handle)


def _old(name: str, *arguments: int) -> Callable[[str], None]:
    """A call that newer architectures lack; where there is none, it is refused."""

    def deed(path: str) -> None:
        made = system(name, os.fsencode(path), *arguments)
        if made:
            os.close(made)

    return deed


_WAYS: Final[dict[str, Callable[[str], None]]] = {
    "chmod": _change,
    "openat": _open,
    "openat2": _open_by_structure,
    "mknodat": _node,
    "open": _old("open", _NEW, _MODE),
    "creat": _old("creat", _MODE),
    "mknod": _old("mknod", stat.S_IFREG | _MODE, 0),
}
