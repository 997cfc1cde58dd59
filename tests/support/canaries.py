"""Looking for secrets where they must not be: plain, base64, hex and percent-encoded."""

from __future__ import annotations

import base64
import sqlite3
from collections.abc import Iterable, Iterator, Mapping
from contextlib import closing
from pathlib import Path

Blob = tuple[str, bytes]


def traces(secret: str) -> frozenset[bytes]:
    """Every form in which the secret would show in a larger text."""
    raw = secret.encode()
    percent = "".join(f"%{byte:02x}" for byte in raw)
    forms = {raw, raw.hex().encode(), raw.hex().upper().encode(), percent.encode(), percent.upper().encode()}
    for offset in range(3):
        inner = _inner_base64(raw, offset)
        forms |= {inner, inner.translate(bytes.maketrans(b"+/", b"-_"))}
    return frozenset(forms)


def _inner_base64(raw: bytes, offset: int) -> bytes:
    """The characters of a base64 text that depend on `raw` alone, when it begins `offset` bytes into a group."""
    usable = raw[: len(raw) - (len(raw) + offset) % 3]
    return base64.b64encode(b"\0" * offset + usable)[4 if offset else 0 :]


def sightings(secrets: Mapping[str, str], blobs: Iterable[Blob]) -> list[str]:
    """`name of the secret in place` for each find."""
    wanted = {name: traces(secret) for name, secret in secrets.items()}
    return [
        f"{name} in {place}" for place, data in blobs for name, forms in wanted.items() if any(f in data for f in forms)
    ]


def files(root: Path, except_for: Iterable[Path] = ()) -> Iterator[Blob]:
    """Every file below `root` but those named; databases also as text, lest a value be split over pages."""
    passed_over = set(except_for)
    for path in sorted(root.rglob("*")):
        if path.is_file() and path not in passed_over:
            yield str(path.relative_to(root)), path.read_bytes()
            if path.suffix == ".db":
                yield f"{path.relative_to(root)} (as text)", _dump(path)


def _dump(path: Path) -> bytes:
    with closing(sqlite3.connect(f"file:{path}?mode=ro", uri=True)) as database:
        return "\n".join(database.iterdump()).encode()


def open_to_others(pid: int) -> Iterator[Blob]:
    """What the process table shows of a process: command line and, if this user may read it, environment."""
    for name in ("cmdline", "environ"):
        try:
            yield f"{name} of {_command(pid)}", Path(f"/proc/{pid}/{name}").read_bytes()
        except (FileNotFoundError, PermissionError, ProcessLookupError):
            continue


def _command(pid: int) -> str:
    return Path(f"/proc/{pid}/cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace").strip()[-80:]
