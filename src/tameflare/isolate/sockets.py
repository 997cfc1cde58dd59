"""Sockets with a name in the file system, which a network namespace does not keep apart (unix(7)).

The kernel lists those of our network namespace under the name that they were bound to. One that was bound by a
relative name, was renamed, or belongs to another network namespace (rootless containers) is found by looking into the
directories where such things lie.
"""

from __future__ import annotations

import contextlib
import os
import stat
from collections import deque
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Final

_COLUMNS: Final = 8
_DEEPEST: Final = 4
_MOST_ENTRIES: Final = 6_000


def path_sockets(tops: Iterable[str]) -> list[str]:
    """Every socket that is bound to a path now and that we can see, by its resolved path; also those in `tops`."""
    listed = {os.path.realpath(name) for name in _names() if _is_socket(name)}
    return sorted(listed.union(*map(_lying_about, tops)))


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


def _lying_about(top: str) -> Iterator[str]:
    """Breadth first, so that what lies deep is what is missed where there is too much to look at."""
    waiting = deque([(top, 0)])
    left = _MOST_ENTRIES
    while waiting and left > 0:
        folder, depth = waiting.popleft()
        for entry in _entries(folder):
            left -= 1
            if entry.is_file(follow_symlinks=False) or entry.is_symlink():
                continue
            if not entry.is_dir(follow_symlinks=False):
                if _is_socket(entry.path):
                    yield entry.path
            elif depth < _DEEPEST:
                waiting.append((entry.path, depth + 1))


def _entries(folder: str) -> list[os.DirEntry[str]]:
    with contextlib.suppress(OSError), os.scandir(folder) as found:
        return list(found)
    return []
