"""What stands in the memory of a client's program: a key that it should not hold, perhaps."""

from __future__ import annotations

import contextlib
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from tests.support.processes import children, processes

MARK: Final = b"MATRIX_SCENARIOS"
"""Stands in every program's environment: whoever does not find it has not looked."""
LARGEST: Final = 256 << 20
"""Of a larger region nothing but the beginning is looked at: heaps that were only reserved."""
_WRITABLE: Final = re.compile(r"([0-9a-f]+)-([0-9a-f]+) rw")


def held(parent: int, keys: dict[str, str]) -> set[str]:
    """The names of those keys that stand in the memory of the programs below a process, which is not looked at itself.

    Fails where it could look into none of them.
    """
    found: set[str] = set()
    looked = False
    for pid in (below for child in children(parent) for below in processes(child)):
        for piece in _memory(pid):
            looked |= MARK in piece
            found.update(name for name, key in keys.items() if key.encode() in piece)
    assert looked, "the memory of the client's program could not be read"
    return found


def _memory(pid: int) -> Iterator[bytes]:
    """Everything that the program may write to; nothing where it has ended meanwhile."""
    with contextlib.suppress(OSError), Path(f"/proc/{pid}/mem").open("rb", buffering=0) as memory:
        for first, last in _WRITABLE.findall(Path(f"/proc/{pid}/maps").read_text()):
            start, end = int(first, 16), int(last, 16)
            with contextlib.suppress(OSError, OverflowError, ValueError):  # what the kernel maps into every process
                memory.seek(start)
                yield memory.read(min(end - start, LARGEST))
