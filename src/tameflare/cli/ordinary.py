"""Files of the user's whose content goes into a run: read only where they are what they seem.

A governed command may have put a link in such a place, for the next run to hand it what it must not see.
"""

from __future__ import annotations

import os
import stat
from collections.abc import Iterable
from pathlib import Path
from typing import Final

from tameflare.cli.output import clean

SETTINGS_BYTES: Final = 1 << 20
BUNDLE_BYTES: Final = 16 << 20
_FLAGS: Final = os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC
_KERNELS: Final = ("/proc", "/sys", "/dev")
"""What lies there tells of processes and devices, `tf` itself among them."""


class Reader:
    """Refuses what opens in `hidden` places, or by a link in `private` ones that are not `shown`; all are resolved.

    `remarks` has a sentence for each file that was left out.
    """

    def __init__(self, hidden: Iterable[str], private: Iterable[str] = (), shown: Iterable[str] = ()) -> None:
        self._hidden = (*_KERNELS, *hidden)
        self._private, self._shown = tuple(private), tuple(shown)
        self._remarks: dict[str, None] = {}

    @property
    def remarks(self) -> list[str]:
        return list(self._remarks)

    def text(self, path: Path, most: int) -> str:
        """The text of an ordinary file of at most that many bytes; nothing of any other, nor where there is none."""
        try:
            descriptor = os.open(path, _FLAGS)
        except (OSError, ValueError):
            return ""
        try:
            fault = self._fault(descriptor, path, most)
            found = b"" if fault else _read(descriptor, most + 1)
        except OSError as error:
            fault, found = f"cannot be read: {error.strerror}", b""
        finally:
            os.close(descriptor)
        if fault or len(found) > most:
            self._remarks[f"`{clean(str(path))}` is left out of this run: it {fault or _too_large(most)}"] = None
            return ""
        return found.decode(errors="replace")

    def _fault(self, descriptor: int, path: Path, most: int) -> str:
        found = os.fstat(descriptor)
        if not stat.S_ISREG(found.st_mode):
            return "is no ordinary file"
        if found.st_size > most:
            return _too_large(most)
        place = _opened(descriptor, path)
        if not found.st_nlink or self._is_hidden(place):
            return "leads to what the command must not see"
        named = os.path.abspath(path)  # noqa: PTH100 - as it is written, links and all
        if any(_is_in(place, top) and not _is_in(named, top) for top in self._private) and not self._is_shown(place):
            return "leads to a place that is private in this run"
        return ""

    def _is_hidden(self, place: str) -> bool:
        """By name, and by what the place and those above it are: a hidden one may have other names."""
        if any(_is_in(place, top) for top in self._hidden):
            return True
        known = set(filter(None, map(_identity, self._hidden)))
        return any(_identity(each) in known for each in (Path(place), *Path(place).parents))

    def _is_shown(self, place: str) -> bool:
        return any(_is_in(place, top) for top in self._shown)


def _opened(descriptor: int, path: Path) -> str:
    """Where the opened file lies, whatever the path leads to by now."""
    try:
        return str(Path(f"/proc/self/fd/{descriptor}").readlink())
    except OSError:
        return os.path.realpath(path)


def _read(descriptor: int, most: int) -> bytes:
    with os.fdopen(descriptor, "rb", closefd=False) as file:
        return file.read(most)


def _identity(path: str | Path) -> tuple[int, int] | None:
    try:
        found = Path(path).stat()
    except OSError:
        return None
    return found.st_dev, found.st_ino


def _is_in(path: str, top: str) -> bool:
    return Path(path).is_relative_to(top)


def _too_large(most: int) -> str:
    return f"has more than {most >> 20} MiB"
