"""The files that each Node of a governed command loads before its program: they lead its requests through the proxy."""

from __future__ import annotations

from pathlib import Path
from typing import Final

from tameflare.cli.files import private_folder, write_private

_SOURCE: Final = Path(__file__).parent / "shims" / "node"
_FIRST: Final = "preload.cjs"


def write_preload(folder: Path) -> Path:
    """Copy them into a run's private folder, which a command without our installation in sight can read too.

    Returns the one that Node is to load.
    """
    copy = folder / _SOURCE.name
    private_folder(copy)
    for source in _SOURCE.glob("*.cjs"):
        write_private(copy / source.name, source.read_text(encoding="utf-8"))
    return copy / _FIRST
