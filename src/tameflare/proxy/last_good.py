"""The last good snapshot on disk, as it was received: signed configuration, sealed bundle. A restart begins with it."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Final

import msgspec

from tameflare.link.messages import Snapshot
from tameflare.process import write_private

FILE_NAME: Final = "last-good.json"


class LastGood(msgspec.Struct, frozen=True):
    """`proxy` is the id that the bundle is sealed for."""

    proxy: str
    snapshot: Snapshot


class LastGoodFile:
    """`proxy/last-good.json`. Its modification time is when the control plane last said that it is still good."""

    def __init__(self, directory: Path) -> None:
        self._path = directory / FILE_NAME

    def load(self) -> tuple[LastGood, float] | None:
        """What was kept, and the Unix time of the last word; None if there is nothing.

        Raises OSError where it cannot be read and msgspec.MsgspecError where it is damaged.
        """
        try:
            data = self._path.read_bytes()
            heard_at = self._path.stat().st_mtime
        except FileNotFoundError:
            return None
        return msgspec.json.decode(data, type=LastGood), heard_at

    def store(self, kept: LastGood, heard_at: float) -> None:
        """Raises OSError."""
        write_private(self._path, msgspec.json.encode(kept))
        self.touch(heard_at)

    def touch(self, heard_at: float) -> None:
        """The control plane had nothing newer at that time. Raises OSError."""
        os.utime(self._path, (heard_at, heard_at))
