"""The spool's thread: puts written frames on the disk every interval, and notices which segments were delivered.

It alone closes files, so the loop never waits for a disk; the loop alone opens and writes them.
"""

from __future__ import annotations

import os
import threading
from collections import deque
from pathlib import Path

from tameflare.process import sync_directory


class Syncer:
    """`closed` are the sizes of the segments that nobody writes to any more and that still wait for delivery."""

    def __init__(self, interval: float, closed: dict[Path, int]) -> None:
        self.dirty = False
        self.problem = ""
        self.syncs = 0
        self.closed_bytes = sum(closed.values())
        self._closed = closed
        self._lock = threading.Lock()  # guards _closed and closed_bytes; the loop takes it once per segment
        self._retired: deque[int] = deque()
        self._file = -1
        self._new_name: Path | None = None
        self._interval = interval
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run, name="spool-sync", daemon=True)

    def begin(self, file: int, folder: Path) -> None:
        """The first segment; starts the thread."""
        self._file, self._new_name = file, folder
        self._thread.start()

    def replace(self, file: int, folder: Path, *, old: Path, size: int) -> None:
        """From now on `file` is written; the old segment is complete, and fsynced and closed soon. An empty one is
        removed."""
        if size:
            with self._lock:
                self._closed[old] = size
                self.closed_bytes += size
        else:
            old.unlink(missing_ok=True)
        before, self._file, self._new_name = self._file, file, folder
        self._retired.append(before)  # last: once it stands there the thread closes it

    def name_changed(self, folder: Path) -> None:
        """The segment that is written has another name now."""
        self._new_name = folder

    def stop(self) -> None:
        """fsync and close everything; ends the thread."""
        if self._stopping.is_set():
            return
        self._stopping.set()
        self._thread.join()

    def _run(self) -> None:
        while not self._stopping.wait(self._interval):
            self._round()
        self._round()
        os.close(self._file)

    def _round(self) -> None:
        try:
            self._sync()
        except OSError as fault:  # refuse records until the disk takes them again
            self.problem = f"the spool cannot be put on the disk: {os.strerror(fault.errno or 0)}"
        self._forget_delivered()

    def _sync(self) -> None:
        while self._retired:
            file = self._retired.popleft()
            try:
                os.fdatasync(file)
            finally:
                os.close(file)
        if self._new_name is not None:
            folder, self._new_name = self._new_name, None
            sync_directory(folder)
            sync_directory(folder.parent)
        if self.dirty or self.problem:
            self.dirty = False
            os.fdatasync(self._file)
            self.syncs += 1
            self.problem = ""

    def _forget_delivered(self) -> None:
        gone = [path for path in list(self._closed) if not path.exists()]
        if gone:
            with self._lock:
                self.closed_bytes -= sum(self._closed.pop(path) for path in gone)
