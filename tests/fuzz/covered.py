"""Which lines of the readers an input reaches, so that inputs that reach new ones can be kept."""

from __future__ import annotations

import sys
from pathlib import Path
from types import FrameType
from typing import Any, Final

import tameflare

ROOT: Final = str(Path(tameflare.__file__).parent)
ROOMS: Final = (f"{ROOT}/wire/", f"{ROOT}/proxy/response.py", f"{ROOT}/core/policy/")

Places = set[tuple[str, int, int]]


class Coverage:
    """Collects pairs of lines that follow each other. Slow: ten times and more."""

    def __init__(self) -> None:
        self.seen: Places = set()
        self._found: Places = set()

    def of(self, work: Any, *arguments: Any) -> tuple[Any, bool]:
        """What the work gives, and whether it went where none went before."""
        self._found = set()
        sys.settrace(self._enter)
        try:
            result = work(*arguments)
        finally:
            sys.settrace(None)
        new = not self._found <= self.seen
        self.seen |= self._found
        return result, new

    def _enter(self, frame: FrameType, _event: str, _argument: Any) -> Any:
        name = frame.f_code.co_filename
        if not name.startswith(ROOMS):
            return None
        before = frame.f_lineno

        def line(frame: FrameType, _event: str, _argument: Any) -> Any:
            nonlocal before
            self._found.add((name, before, frame.f_lineno))
            before = frame.f_lineno
            return line

        return line
