"""The spool's files: `<number>-<epoch>/<first sequence>.seg`, frames one after the other (link/spool.py).

One epoch is one life of a proxy process; numbers order the epochs. Within an epoch sequences count frames from 0 and
may skip: numbers of frames that a full disk refused are not used again. Only the newest segment of the newest epoch is
ever written to.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Final, NamedTuple

from tameflare.link.spool import payloads

SUFFIX: Final = ".seg"
DAMAGED_SUFFIX: Final = ".damaged"


class Segment(NamedTuple):
    """One file of frames; ordered by epoch, then by its first sequence."""

    number: int
    first: int
    epoch: str
    path: Path


def segment_name(first: int) -> str:
    return f"{first:020d}{SUFFIX}"


def epoch_directories(directory: Path) -> list[tuple[int, str, Path]]:
    """(number, epoch, path) of every epoch on disk, oldest first."""
    found = []
    for path in directory.iterdir():
        number, dash, epoch = path.name.partition("-")
        if dash and number.isdecimal():
            found.append((int(number), epoch, path))
    return sorted(found)


def segments(directory: Path) -> list[Segment]:
    """Every segment on disk, in the order in which they were written."""
    return [
        Segment(number, first, epoch, path)
        for number, epoch, folder in epoch_directories(directory)
        for first, path in _segments_of(folder)
    ]


def _segments_of(folder: Path) -> list[tuple[int, Path]]:
    try:
        names = os.listdir(folder)  # noqa: PTH208 - names alone, for speed
    except FileNotFoundError:  # delivered and removed since it was listed
        return []
    stems = (name.removesuffix(SUFFIX) for name in names if name.endswith(SUFFIX))
    return sorted((int(stem), folder / (stem + SUFFIX)) for stem in stems if stem.isdecimal())


def new_epoch_directory(directory: Path, epoch: str) -> Path:
    """The directory of an epoch that begins now. An epoch is never gone on with: raises FileExistsError."""
    known = epoch_directories(directory)
    if any(epoch == name for _, name, _ in known):
        raise FileExistsError(f"epoch `{epoch}` was used before")
    number = known[-1][0] + 1 if known else 1
    path = directory / f"{number:08d}-{epoch}"
    path.mkdir(mode=0o700)
    return path


def cut_torn_tails(directory: Path) -> int:
    """End the last segment of every epoch at its last whole frame; the number of bytes cut off.

    Only there can a write have been interrupted: a next segment is begun after a whole write only.
    """
    cut = 0
    for _, _, folder in epoch_directories(directory):
        own = _segments_of(folder)
        if own:
            cut += _cut(own[-1][1])
        elif not any(folder.iterdir()):
            folder.rmdir()
    return cut


def _cut(path: Path) -> int:
    data = path.read_bytes()
    torn = len(data) - whole_end(data)
    if torn:
        with path.open("r+b") as file:
            file.truncate(len(data) - torn)
            os.fsync(file.fileno())
    return torn


def whole_end(data: bytes) -> int:
    """The offset after the last frame that is whole and undamaged, with all before it so too."""
    return max(ends(data), default=0)


def ends(data: bytes, start: int = 0) -> Iterator[int]:
    """The offset after each whole frame from `start`."""
    return (end for end, _ in payloads(data, start))
