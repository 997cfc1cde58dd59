"""Whether files are closed to others."""

from __future__ import annotations

import stat
from collections.abc import Iterator
from pathlib import Path
from typing import Final

_FILES_AT_MOST: Final = 10_000


def is_wide(path: Path) -> bool:
    """Whether anybody but the owner may do anything with it."""
    try:
        mode = path.lstat().st_mode
    except FileNotFoundError:
        return False
    return not stat.S_ISLNK(mode) and bool(mode & 0o077)


def inside(folder: Path) -> Iterator[Path]:
    """The folder and what is in it, ten thousand at most."""
    yield folder
    for number, path in enumerate(folder.rglob("*")):
        if number >= _FILES_AT_MOST:
            return
        yield path
