"""Which mounts there are, and under which other names a place can be reached through them (proc_pid_mountinfo(5))."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import NamedTuple


class Mount(NamedTuple):
    """`device` is major:minor, `root` the part of that file system that is seen at `point`; `kind` e.g. `ext4`."""

    device: str
    root: str
    point: str
    kind: str


def read() -> list[Mount]:
    return [
        parse(line)
        for line in Path("/proc/self/mountinfo").read_text(encoding="utf-8", errors="surrogateescape").splitlines()
    ]


def parse(line: str) -> Mount:
    words = line.split(" ")
    kind = words[words.index("-", 6) + 1]
    return Mount(words[2], _unescaped(words[3]), _unescaped(words[4]), kind)


def _unescaped(word: str) -> str:
    """Blanks and the like are written as three octal digits."""
    return re.sub(r"\\([0-7]{3})", lambda found: chr(int(found[1], 8)), word)


def others(path: str, mounts: Sequence[Mount], *, parts: bool = True) -> Iterator[str]:
    """Further names of a resolved path: bind mounts, a second mount of its file system. Each is the same file now.

    With `parts` also where something that lies below it is mounted by itself.
    """
    own = _mount_of(path, mounts)
    if own is None:
        return
    inner = _join(own.root, _below(own.point, path))
    for mount in mounts:
        if mount.device != own.device or mount is own:
            continue
        if _is_below(mount.root, inner):
            name = _join(mount.point, _below(mount.root, inner))
            if name != path and _same(name, path):
                yield name
        elif parts and _is_below(inner, mount.root):
            yield mount.point


def _mount_of(path: str, mounts: Sequence[Mount]) -> Mount | None:
    """The mount that a path lies on: the longest that holds it, the newest of several at one point."""
    fits = [mount for mount in mounts if _is_below(mount.point, path)]
    return max(reversed(fits), key=lambda mount: len(mount.point), default=None)


def _is_below(top: str, path: str) -> bool:
    """Whether `path` is `top` or lies below it."""
    return path == top or path.startswith(top.rstrip("/") + "/")


def _below(top: str, path: str) -> str:
    return path[len(top.rstrip("/")) :].lstrip("/") if path != top else ""


def _join(top: str, rest: str) -> str:
    return f"{top.rstrip('/')}/{rest}" if rest else top


def _same(one: str, other: str) -> bool:
    try:
        return Path(one).samefile(other)
    except OSError:
        return False
