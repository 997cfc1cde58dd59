"""What a check says: how bad it is, what is the matter, and what mends it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum


class Level(StrEnum):
    OK = "ok"
    WARNING = "warning"
    RED = "red"


@dataclass(frozen=True)
class Finding:
    """`help` says what to do; empty where nothing is. `check` is filled in by whoever runs the check."""

    level: Level
    finding: str
    help: str = ""
    check: str = ""

    @property
    def sentence(self) -> str:
        return f"{self.finding}; {self.help}" if self.help else self.finding

    def as_dict(self) -> dict[str, str]:
        return {"level": self.level.value, "check": self.check, "finding": self.finding, "help": self.help}


Said = Iterator[Finding]


def ok(finding: str) -> Finding:
    return Finding(Level.OK, finding)


def warning(finding: str, mend: str = "") -> Finding:
    return Finding(Level.WARNING, finding, mend)


def red(finding: str, mend: str = "") -> Finding:
    return Finding(Level.RED, finding, mend)
