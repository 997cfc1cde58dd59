"""The data of the table: one file of JSON for each module of `languages`, a row for each client."""

from __future__ import annotations

from pathlib import Path
from typing import Final

import msgspec
from tests.matrix.judging import Entry

FOLDER: Final = Path(__file__).parent / "results"
Entries = dict[str, Entry]


def path(module: str) -> Path:
    return FOLDER / f"{module}.json"


def read(module: str) -> Entries:
    """Rows by client; none where nothing was written yet."""
    if not path(module).exists():
        return {}
    return msgspec.json.decode(path(module).read_bytes(), type=Entries)


def write(module: str, entries: Entries) -> None:
    text = msgspec.json.format(msgspec.json.encode(entries), indent=2)
    path(module).write_bytes(text + b"\n")


def same(one: Entry, other: Entry, *, pinned: bool) -> bool:
    """Whether two rows say the same; of whatever version, if that is not `pinned`."""
    if pinned and one.version != other.version:
        return False
    return msgspec.structs.replace(one, version="") == msgspec.structs.replace(other, version="")


def everything() -> Entries:
    """The rows of all modules."""
    return {name: row for file in sorted(FOLDER.glob("*.json")) for name, row in read(file.stem).items()}
