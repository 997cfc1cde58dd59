"""What commands print: tables for people, JSON for programs; colours only on a terminal."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, Final, Literal, TextIO

import click

from tameflare.core.text import spell_out

COLOURS: Final = {
    "allow": "green",
    "allowed": "green",
    "ok": "green",
    "active": "green",
    "deny": "red",
    "denied": "red",
    "red": "red",
    "revoked": "red",
    "requires_approval": "yellow",
    "warning": "yellow",
    "suspended": "yellow",
}
_WIDE: Final = 10_000


def clean(text: object) -> str:
    """`text` with control and direction-changing characters spelled out, so that no record can drive a terminal."""
    return spell_out(str(text)).replace("\n", "\\n")


def print_json(data: Any, indent: int | None = 2) -> None:
    click.echo(spell_out(json.dumps(data, indent=indent, ensure_ascii=False, default=str)))


def complain_json(fault: Mapping[str, Any]) -> None:
    """One fault as one line of JSON on stderr."""
    click.echo(spell_out(json.dumps(fault, ensure_ascii=False)), err=True)


def coloured(stream: TextIO | None = None) -> bool:
    """Whether to colour: only on a terminal that can, and where nobody set NO_COLOR (no-color.org)."""
    terminal = (stream or sys.stdout).isatty()
    return terminal and not os.environ.get("NO_COLOR") and os.environ.get("TERM") != "dumb"


def paint(text: str, word: str) -> str:
    """`text` in the colour that goes with `word`, such as a verdict; as it is where colours are out of place."""
    colour = COLOURS.get(word)
    return click.style(text, fg=colour) if colour and coloured() else text


def say(text: str) -> None:
    click.echo(text)


def note(text: str) -> None:
    """A line beside the output proper, on stderr."""
    click.echo(text, err=True)


def table(columns: Sequence[str], rows: Iterable[Sequence[object]]) -> None:
    """Aligned columns; on a pipe they are never cut or coloured."""
    from rich import box
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    wide = sys.stdout.isatty()
    drawn = Table(*columns, box=box.SIMPLE_HEAD if wide else None, pad_edge=False, header_style="bold")
    for row in rows:
        words = [clean("" if cell is None else cell) for cell in row]
        drawn.add_row(*(Text(word, style=COLOURS.get(word, "")) for word in words))
    colours: Literal["auto"] | None = "auto" if coloured() else None
    Console(width=None if wide else _WIDE, highlight=False, color_system=colours, force_terminal=wide).print(drawn)


def show(data: Any, as_json: bool, columns: Sequence[str], rows: Iterable[Sequence[object]], empty: str) -> None:
    """Print `data` as JSON, or `rows` as a table, or the sentence `empty` where there are none."""
    if as_json:
        print_json(data)
        return
    found = list(rows)
    if found:
        table(columns, found)
    else:
        say(empty)


def moment(seconds: object) -> str:
    """Unix seconds as local date and time."""
    if not isinstance(seconds, int | float):
        return str(seconds or "")
    return datetime.fromtimestamp(seconds, UTC).astimezone().isoformat(sep=" ", timespec="seconds")


def picked(items: Iterable[Mapping[str, Any]], *names: str) -> list[list[object]]:
    """The named fields of each item; lists are joined by commas."""
    return [[_cell(item.get(name)) for name in names] for item in items]


def _cell(value: object) -> object:
    return ", ".join(str(part) for part in value) if isinstance(value, list | tuple) else value
