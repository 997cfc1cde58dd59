"""Medians and spreads of rounds, as a table and as JSON."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import asdict, dataclass
from typing import Any

from bench.cells import cell
from bench.figures import Row

_ADDED = ("time of a request at", "delay of a server-sent event")


@dataclass(frozen=True)
class Line:
    """One figure over all rounds. `added` is ours minus direct, taken round by round."""

    name: str
    unit: str
    direct: list[float]
    relayed: list[float]
    ours: list[float]

    @property
    def added(self) -> list[float]:
        if not self.name.startswith(_ADDED):
            return []
        return [ours - direct for direct, ours in zip(self.direct, self.ours, strict=True)]


def lines(rows: Iterable[Row]) -> list[Line]:
    """In the order in which they first came."""
    found: dict[str, Line] = {}
    for row in rows:
        line = found.setdefault(row.name, Line(row.name, row.unit, [], [], []))
        line.ours.append(row.ours)
        if row.direct is not None:
            line.direct.append(row.direct)
        if row.relayed is not None:
            line.relayed.append(row.relayed)
    return list(found.values())


def table(found: list[Line]) -> str:
    """Markdown: medians, and the lowest and highest of the rounds in brackets."""
    head = "| | unit | direct | bare relay | TameFlare | added |\n|---|---|---|---|---|---|\n"
    return head + "".join(map(_row, found))


def _row(line: Line) -> str:
    cells = " | ".join(map(cell, (line.direct, line.relayed, line.ours, line.added)))
    return f"| {line.name} | {line.unit} | {cells} |\n"


def steps_table(steps: list[tuple[str, float]]) -> str:
    rows = (f"| {name} | {cost:.2f} |\n" for name, cost in steps)
    return "| step | µs |\n|---|---|\n" + "".join(rows)


def as_json(found: list[Line], steps: list[tuple[str, float]], **about: Any) -> dict[str, Any]:
    figures = [{**asdict(line), "added": line.added} for line in found]
    return {**about, "figures": figures, "steps_us": dict(steps)}
