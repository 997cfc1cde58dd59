"""The table that `tf demo` ends with."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from rich.console import Console
from rich.table import Table


@dataclass(frozen=True)
class Line:
    """One attempt of the agent: what it tried, what must come of it, what came, and whether that is as it must be."""

    attempt: str
    must: str
    came: str
    reached_vendor: bool
    good: bool


def show(lines: Sequence[Line], console: Console) -> None:
    """Print the lines as a table."""
    table = Table("the agent tried", "must be", "what happened", "reached the vendor", "", title="tf demo")
    for line in lines:
        mark = "[green]as it must[/green]" if line.good else "[red]WRONG[/red]"
        table.add_row(line.attempt, line.must, line.came, "yes" if line.reached_vendor else "no", mark)
    console.print(table)
