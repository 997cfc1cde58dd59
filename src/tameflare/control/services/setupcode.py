"""The one-time code that the first owner registers with; void as soon as somebody has registered."""

from __future__ import annotations

import hmac
import re
from base64 import b32encode
from pathlib import Path
from typing import Final

from tameflare.control.services.context import Context
from tameflare.process import write_private

FILE: Final = "setup-code"
_BYTES: Final = 10
_SHAPE: Final = re.compile(r"[A-Z2-7]{4}(-[A-Z2-7]{4}){3}")


class SetupCode:
    """Lives in memory, and in a 0600 file of the data directory so that the person on the machine can read it."""

    def __init__(self, path: Path, context: Context) -> None:
        self._path = path
        self._context = context
        self._code = ""

    def make(self) -> str:
        """A code such as `ABCD-EFGH-IJKL-MNOP`: the one in the file, so that it outlives a restart, or a fresh one."""
        self._code = self._kept() or self._fresh()
        return self._code

    def _kept(self) -> str:
        try:
            kept = self._path.read_text(encoding="ascii").strip()
        except (FileNotFoundError, UnicodeDecodeError):
            return ""
        return kept if _SHAPE.fullmatch(kept) else ""

    def _fresh(self) -> str:
        raw = b32encode(self._context.entropy(_BYTES)).decode()
        code = "-".join(raw[start : start + 4] for start in range(0, len(raw), 4))
        write_private(self._path, f"{code}\n".encode())
        return code

    def fits(self, given: str) -> bool:
        """Case and dashes do not matter."""
        return bool(self._code) and hmac.compare_digest(_plain(given), _plain(self._code))

    def burn(self) -> None:
        """Somebody has registered: no code fits any more."""
        self._code = ""
        self._path.unlink(missing_ok=True)


def _plain(code: str) -> bytes:
    return code.replace("-", "").strip().upper().encode()
