"""A file of the user's is replaced in one step, through no link: whoever else may write beside it gains nothing."""

from __future__ import annotations

import contextlib
import os
import secrets
import stat
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from tameflare.cli.files import unwritable
from tameflare.core.errors import InvalidValue

_FOLDER: Final = getattr(os, "O_PATH", os.O_RDONLY) | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
_READ: Final = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
_NEW: Final = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC


def replace(path: Path, top: Path, before: str | None, after: str, *, private: bool = False) -> None:
    """Put `after` where `before` stands; None: where nothing does. Folders below `top` are made, and must be no links.

    The mode stays; a `private` file has 0600. Raises InvalidValue for a link or where something else than `before`
    stands there by now, TameFlareError where the place cannot be written.
    """
    try:
        with _opened(path.parent, top, private) as folder:
            mode = _check(folder, path, before)
            temporary = _written(folder, path.name, after, 0o600 if private else mode)
            try:
                _check(folder, path, before)
                os.replace(temporary, path.name, src_dir_fd=folder, dst_dir_fd=folder)
            except BaseException:
                os.unlink(temporary, dir_fd=folder)
                raise
    except OSError as fault:
        raise unwritable(path, fault) from None


@contextlib.contextmanager
def _opened(folder: Path, top: Path, private: bool) -> Iterator[int]:
    """The folder, reached step by step: what was a folder when it was looked at cannot be a link when it is used."""
    place = top.resolve()
    descriptor = os.open("/", _FOLDER)
    try:
        for name in (*place.parts[1:], *folder.relative_to(top).parts):
            descriptor, above = _step(name, descriptor, folder, 0o700 if private else 0o777), descriptor
            os.close(above)
        yield descriptor
    finally:
        os.close(descriptor)


def _step(name: str, above: int, folder: Path, mode: int) -> int:
    """Into the folder of that name, which is made with that mode where there is none."""
    try:
        return os.open(name, _FOLDER, dir_fd=above)
    except FileNotFoundError:
        os.mkdir(name, mode, dir_fd=above)
        return os.open(name, _FOLDER, dir_fd=above)
    except OSError:
        if stat.S_ISLNK(os.stat(name, dir_fd=above, follow_symlinks=False).st_mode):
            raise _link(folder) from None
        raise


def _check(folder: int, path: Path, before: str | None) -> int | None:
    """The mode of what is there, None where nothing is."""
    try:
        descriptor = os.open(path.name, _READ, dir_fd=folder)
    except FileNotFoundError:
        if before is not None:
            raise _changed(path) from None
        return None
    except OSError:
        if stat.S_ISLNK(os.stat(path.name, dir_fd=folder, follow_symlinks=False).st_mode):
            raise _link(path) from None
        raise
    with os.fdopen(descriptor, "rb") as file:
        found = os.fstat(descriptor)
        expected = None if before is None else before.encode()
        if not stat.S_ISREG(found.st_mode) or expected is None or file.read(len(expected) + 1) != expected:
            raise _changed(path)
        return stat.S_IMODE(found.st_mode)


def _written(folder: int, name: str, text: str, mode: int | None) -> str:
    """Name of a new file with this text; of the usual mode where none is given."""
    temporary = f".{name}-{secrets.token_hex(8)}"
    descriptor = os.open(temporary, _NEW, 0o666 if mode is None else 0o600, dir_fd=folder)
    with os.fdopen(descriptor, "w", encoding="utf-8", newline="") as file:
        file.write(text)
        if mode is not None:
            os.fchmod(descriptor, mode)
    return temporary


def _link(path: Path) -> InvalidValue:
    return InvalidValue(f"`{path}` is a link, or became one", "name the file itself by `--file`")


def _changed(path: Path) -> InvalidValue:
    return InvalidValue(f"`{path}` has changed since it was read", "run this again, to see what would change now")
