"""One request as a server understood it."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Understood:
    """`line` is its first line, for people; `whole` is False where the connection ended before the body did."""

    method: str
    target: str
    body: str
    line: str = ""
    whole: bool = True
