"""Reading the spool while it is being written: batches in order, files removed once they are delivered."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from tameflare.link.messages import SpoolPosition
from tameflare.link.spool import HEADER_BYTES, MAX_PAYLOAD
from tameflare.proxy.segments import DAMAGED_SUFFIX, Segment, ends, segments

BATCH_BYTES: Final = MAX_PAYLOAD + HEADER_BYTES


@dataclass(frozen=True, slots=True)
class Batch:
    """Whole frames of one segment: `data` are frames `sequence` to `sequence + count - 1` of `epoch`.

    `missing` frames just before them exist no longer: delivered, refused by a full disk, or damaged.
    """

    epoch: str
    sequence: int
    count: int
    data: bytes
    missing: int


class Backlog:
    """What waits for delivery. `next_batch`, then `acknowledge` with the answer; without that the same comes again.

    Reading stands at `_sequence`, byte `_offset` of `_segment`; the control plane is known to stand at `_reached`.
    """

    def __init__(self, directory: Path) -> None:
        self._directory = directory
        self._segment: Segment | None = None
        self._offset = 0
        self._sequence = 0
        self._reached = 0

    def next_batch(self) -> Batch | None:
        """The next whole frames, at most BATCH_BYTES of them; None when nothing waits."""
        while True:
            known = segments(self._directory)  # listed before reading: a segment with a successor is complete
            here = self._locate(known)
            if here is None:
                return None
            batch = self._read(here)
            if batch is not None:
                return batch
            if here == known[-1]:
                return None
            self._finish(here)

    def acknowledge(self, batch: Batch, answer: SpoolPosition) -> bool:
        """Go on where the control plane stands; False if that is no progress, so that the caller waits.

        Raises ValueError for an answer about another epoch.
        """
        if answer.epoch != batch.epoch:
            raise ValueError(f"answer for epoch `{answer.epoch}`, asked about `{batch.epoch}`")
        before = self._place()
        if answer.sequence == batch.sequence + batch.count:
            self._offset += len(batch.data)
            self._sequence = self._reached = answer.sequence
        else:
            self._seek(answer)
        return before != self._place()

    def waiting_bytes(self) -> int:
        """Bytes that are not delivered yet."""
        known = segments(self._directory)
        here = self._locate(known)
        sizes = (_size(entry.path) for entry in known if here is None or entry >= here)
        return max(0, sum(sizes) - self._offset)

    def _locate(self, known: list[Segment]) -> Segment | None:
        """Where reading goes on: the present segment, or the first one after it."""
        if self._segment is None or self._segment not in known:
            later = (entry for entry in known if self._segment is None or entry > self._segment)
            begun = next(later, None)
            if begun is None:
                return None
            self._begin(begun)
        return self._segment

    def _place(self) -> tuple[Segment | None, int, int]:
        return self._segment, self._offset, self._reached

    def _begin(self, entry: Segment) -> None:
        if self._segment is None or self._segment.epoch != entry.epoch:
            self._reached = 0
        self._segment, self._offset, self._sequence = entry, 0, entry.first

    def _read(self, entry: Segment) -> Batch | None:
        data = _read_at(entry.path, self._offset, BATCH_BYTES)
        found = list(ends(data))
        if not found:
            return None
        missing = max(0, self._sequence - self._reached)
        return Batch(entry.epoch, self._sequence, len(found), data[: found[-1]], missing)

    def _finish(self, entry: Segment) -> None:
        """Everything readable of it is delivered. What cannot be read is kept aside, for people."""
        if _size(entry.path) > self._offset:
            entry.path.replace(entry.path.with_suffix(DAMAGED_SUFFIX))
        else:
            entry.path.unlink(missing_ok=True)
        _remove_if_empty(entry, segments(self._directory))

    def _seek(self, answer: SpoolPosition) -> None:
        """To that sequence, or as near behind it as there still are frames."""
        own = [entry for entry in segments(self._directory) if entry.epoch == answer.epoch]
        if not own:
            return
        earlier = [entry for entry in own if entry.first <= answer.sequence]
        self._reached = answer.sequence
        self._begin(earlier[-1] if earlier else own[0])
        assert self._segment is not None
        for end in ends(self._segment.path.read_bytes()):
            if self._sequence >= answer.sequence:
                return
            self._offset = end
            self._sequence += 1


def _remove_if_empty(entry: Segment, known: list[Segment]) -> None:
    """Remove the directory of an epoch that is over and delivered whole."""
    folder = entry.path.parent
    if known and known[-1].number > entry.number and folder.exists() and not any(folder.iterdir()):
        folder.rmdir()


def _read_at(path: Path, offset: int, size: int) -> bytes:
    with path.open("rb") as file:
        return os.pread(file.fileno(), size, offset)


def _size(path: Path) -> int:
    try:
        return path.stat().st_size
    except FileNotFoundError:
        return 0
