"""Sockets with a name in the file system, which a network namespace does not keep apart (unix(7))."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator
from pathlib import Path

_COLUMNS = 8


def path_sockets() -> list[str]:
    """Every socket that is bound to a path now and that we can see, by its resolved path."""
    return sorted({os.path.realpath(name) for name in _names() if _is_socket(name)})


def _names() -> Iterator[str]:
    """The last column is the path, which may hold blanks. Abstract names begin with `@`, others may be relative."""
    for line in Path("/proc/net/unix").read_text(encoding="utf-8", errors="surrogateescape").splitlines()[1:]:
        words = line.split(None, _COLUMNS - 1)
        if len(words) == _COLUMNS and words[-1].startswith("/"):
            yield words[-1]


def _is_socket(name: str) -> bool:
    try:
        return stat.S_ISSOCK(Path(name).stat().st_mode)
    except OSError:
        return False
