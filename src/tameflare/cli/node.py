"""The file that each Node of a governed command loads before its program, so that its requests go through the proxy."""

from __future__ import annotations

from pathlib import Path
from typing import Final

from tameflare.cli.files import write_private

_SOURCE: Final = Path(__file__).parent / "shims" / "node.cjs"


def write_preload(folder: Path) -> Path:
    """A copy of it in a run's private folder, which a command without our installation in sight can read too."""
    copy = folder / _SOURCE.name
    write_private(copy, _SOURCE.read_text(encoding="utf-8"))
    return copy
