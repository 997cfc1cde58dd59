"""Finding secrets in what goes to the agent, in whatever pieces it comes, and overwriting them with `*`.

Every byte that belongs to an occurrence of a pattern becomes one `*`, so lengths stay as they are. Of what has
arrived only an end that could really be the beginning of an occurrence is kept back.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Final

STAR: Final = b"*"


class Masker:
    """Patterns, made ready once and used for any number of answers. An empty pattern is left out."""

    __slots__ = ("_longest", "_needles", "_occurrence", "_patterns")

    def __init__(self, patterns: Iterable[bytes]) -> None:
        self._patterns = tuple(sorted({pattern for pattern in patterns if pattern}, key=len, reverse=True))
        self._needles = tuple(
            pattern for pattern in self._patterns if not any(o in pattern for o in self._patterns if o != pattern)
        )
        self._occurrence = re.compile(b"(?=(%b))" % b"|".join(map(re.escape, self._patterns)), re.DOTALL)
        self._longest = len(self._patterns[0]) if self._patterns else 0

    def is_clean(self, data: bytes) -> bool:
        """Whether no pattern occurs in `data`."""
        return not any(needle in data for needle in self._needles)

    def mask(self, data: bytes) -> bytes:
        """The same with every occurrence overwritten; `data` itself where there is none."""
        return data if self.is_clean(data) else self.overwrite(data, data)

    def mask_head(self, head: bytes) -> bytes:
        """The same for a head, name by name and value by value, so that it stays a head."""
        return b"\r\n".join(b": ".join(map(self.mask, line.split(b": ", 1))) for line in head.split(b"\r\n"))

    def overwrite(self, data: bytes, shown: bytes) -> bytes:
        """`shown`, which is as long as `data`, with stars wherever a pattern occurs in `data`."""
        out = bytearray(shown)
        for match in self._occurrence.finditer(data):
            start, end = match.span(1)
            out[start:end] = STAR * (end - start)
        return bytes(out)

    def undecided(self, data: bytes) -> int:
        """How many bytes at the end of `data` could be the beginning of an occurrence; all of a pattern is none."""
        for start in range(max(0, len(data) - self._longest + 1), len(data)):
            tail = data[start:]
            if any(len(pattern) > len(tail) and pattern.startswith(tail) for pattern in self._patterns):
                return len(tail)
        return 0

    def stream(self) -> MaskedBody:
        return MaskedBody(self)


class MaskedBody:
    """One body being masked; `masked` tells whether something was found."""

    __slots__ = ("_held", "_masker", "_shown", "masked")

    keeps_length: Final = True

    def __init__(self, masker: Masker) -> None:
        self._masker = masker
        self._held = b""
        self._shown = b""
        self.masked = False

    def feed(self, payload: bytes) -> bytes:
        masker = self._masker
        data = self._held + payload if self._held else payload
        shown = self._shown + payload if self._held else payload
        if not masker.is_clean(data):
            self.masked = True
            shown = masker.overwrite(data, shown)
        undecided = masker.undecided(data)
        if not undecided:
            self._held = self._shown = b""
            return shown
        self._held, self._shown = data[-undecided:], shown[-undecided:]
        return shown[:-undecided]

    def finish(self) -> bytes:
        shown, self._held, self._shown = self._shown, b"", b""
        return shown
