"""What is wrong with a policy, and where."""

from __future__ import annotations

import difflib
from collections.abc import Iterable
from typing import Final

import msgspec

SHOWN: Final = 60


class Diagnostic(msgspec.Struct, frozen=True, order=True):
    """One fault. `line` and `column` begin at 1; `message` is lower case, without a full stop, with what was written in
    backticks; `help` says what to write instead."""

    line: int
    column: int
    message: str
    help: str = ""

    def __str__(self) -> str:
        place = f"{self.line}:{self.column}: {self.message}"
        return f"{place}; {self.help}" if self.help else place


def quoted(written: object) -> str:
    """What somebody wrote, in backticks, on one line and not too long."""
    text = " ".join(str(written).split())
    return f"`{text[:SHOWN]}…`" if len(text) > SHOWN else f"`{text}`"


def meant(written: str, known: Iterable[str], otherwise: str = "") -> str:
    """`did you mean …?` where a known word is near, else all of them where they are few, else `otherwise`."""
    words = sorted(known)
    near = difflib.get_close_matches(written[:SHOWN].lower(), words, n=1, cutoff=0.6)
    if near:
        return f"did you mean `{near[0]}`?"
    if otherwise or not words:
        return otherwise
    return f"write one of {', '.join(f'`{word}`' for word in words)}"
