"""Where TameFlare keeps what is nobody else's: log-in, trust, data, and names for completion."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from tameflare.cli import loginstore, names
from tameflare.settings import DATA_DIR, Settings


def stores() -> Iterator[Path]:
    """By the settings, and where they are by default."""
    yield from (loginstore.path().parent, Path.home() / ".config" / "tameflare")
    yield from (Settings().get(DATA_DIR), DATA_DIR.default)
    caches = (names.path().parent, Path.home() / ".cache" / "tameflare")
    yield from (place for place in caches if not place.is_symlink())  # a link there is not used
