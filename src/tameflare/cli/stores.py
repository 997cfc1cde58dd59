"""Where TameFlare keeps what is nobody else's: log-in, trust and data."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from tameflare.cli import loginstore
from tameflare.settings import DATA_DIR, Settings


def stores() -> Iterator[Path]:
    """By the settings, and where they are by default."""
    yield from (loginstore.path().parent, Path.home() / ".config" / "tameflare")
    yield from (Settings().get(DATA_DIR), DATA_DIR.default)
