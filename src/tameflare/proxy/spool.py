"""The turn-barrier spool: records of decisions, on disk before the bytes of their requests go upstream.

Within a turn of the loop every decision appends its record; at the end of the turn one `flush` writes them together,
and only if it answers True may that turn's bytes go out. What was written survives `kill -9` of this process at once
(it is the kernel's), and loss of power after the next fsync, which a thread does every interval.
See docs/decisions/0002-turn-barrier-spool.md.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import Final

from tameflare.core.errors import TameFlareError
from tameflare.link.messages import Record
from tameflare.link.spool import HEADER_BYTES, MAX_PAYLOAD, frame
from tameflare.proxy.segments import cut_torn_tails, new_epoch_directory, segment_name, segments
from tameflare.proxy.spool_sync import Syncer

SEGMENT_BYTES: Final = 8 << 20
SEGMENTS_IN_CAP: Final = 8
LONGEST_FRAME: Final = MAX_PAYLOAD + HEADER_BYTES


class SpoolFault(TameFlareError):
    """The spool cannot take what it was given."""

    code = "spool_fault"


class Spool:
    """One writer, one epoch. Not for several threads: it belongs to the loop.

    `max_bytes` caps what waits for delivery, in bytes on disk; a segment is at most an eighth of it, so that a full
    spool can always empty itself. `fsync_interval` in seconds. Raises OSError if the directory cannot be written.
    """

    def __init__(
        self,
        directory: Path,
        epoch: str,
        *,
        max_bytes: int,
        segment_bytes: int = SEGMENT_BYTES,
        fsync_interval: float = 0.1,
    ) -> None:
        directory.mkdir(mode=0o700, parents=True, exist_ok=True)
        self.epoch = epoch
        self.cut_bytes = cut_torn_tails(directory)
        self.sequence = 0
        self.problem = ""
        self.refused = 0
        self._max_bytes = max_bytes
        self._segment_bytes = max(1, min(segment_bytes, max_bytes // SEGMENTS_IN_CAP))
        self._parts: list[bytes] = []
        self._size = 0
        self._must_rotate = False
        self._soiled = False
        self._sync = Syncer(fsync_interval, {entry.path: entry.path.stat().st_size for entry in segments(directory)})
        self._folder = new_epoch_directory(directory, epoch)
        self._path = self._folder / segment_name(0)
        self._file = _create(self._path)
        self._sync.begin(self._file, self._folder)

    @property
    def backlog_bytes(self) -> int:
        """Bytes on disk: all that is not delivered, and what was delivered of the segment being written."""
        return self._sync.closed_bytes + self._size

    def append(self, record: Record) -> None:
        """Put a record into this turn's batch. Raises SpoolFault for one that no reader would take."""
        data = frame(record)
        if len(data) > LONGEST_FRAME:
            raise SpoolFault(f"a record of {len(data)} bytes is too long")
        self._parts.append(data)

    def flush(self, reserve: int = 0) -> bool:
        """Write the batch with one call, if `reserve` bytes are left after it. False: none of it counts as recorded,
        its requests must not go upstream."""
        parts = self._parts
        if not parts:
            return True
        data = parts[0] if len(parts) == 1 else b"".join(parts)
        count = len(parts)
        parts.clear()
        if self._sync.closed_bytes + self._size + len(data) + reserve > self._max_bytes:
            return self._refuse(count, "the spool is full: the control plane has not taken its records")
        if (self._must_rotate or self._size >= self._segment_bytes) and not self._rotate():
            return self._refuse(count, self.problem)
        if self._sync.problem:
            return self._refuse(count, self._sync.problem)
        try:
            written = os.write(self._file, data)
        except OSError as fault:
            return self._refuse(count, f"the spool cannot be written: {os.strerror(fault.errno or 0)}")
        if written != len(data):
            return self._undo(count)
        self._size += written
        self.sequence += count
        self._sync.dirty = True
        if self.problem:
            self.problem = ""
        return True

    def close(self) -> None:
        """Put everything on the disk and let go of the files; what was appended since the last flush is dropped."""
        self._parts.clear()
        self._sync.stop()

    def _refuse(self, count: int, problem: str) -> bool:
        self.refused += count
        self.problem = problem
        return False

    def _undo(self, count: int) -> bool:
        """Take back a write that the disk cut short.

        A reader may have seen whole frames of it in the meantime, so its sequences are not used again, which takes a
        new segment. If truncation fails too, readers stop at the torn frame and go on in that new segment.
        """
        try:
            os.ftruncate(self._file, self._size)
        except OSError:
            self._soiled = True
        self.sequence += count
        self._must_rotate = True
        return self._refuse(count, "the spool cannot be written: the disk took only a part")

    def _rotate(self) -> bool:
        """Begin a new segment; False if it was necessary and the disk did not let us."""
        path = self._folder / segment_name(self.sequence)
        try:
            if self._size == 0 and not self._soiled:
                self._path.rename(path)  # else a disk that stays full would cost a file for each turn
                self._sync.name_changed(self._folder)
            else:
                file = _create(path)
                self._sync.replace(file, self._folder, old=self._path, size=self._size)
                self._file = file
        except OSError as fault:
            self.problem = f"the spool cannot begin a file: {os.strerror(fault.errno or 0)}"
            return not self._must_rotate
        self._path, self._size, self._must_rotate, self._soiled = path, 0, False, False
        return True


def _create(path: Path) -> int:
    return os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_APPEND | os.O_CLOEXEC, 0o600)
