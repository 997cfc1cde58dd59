"""Private files of the command line."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path

from tameflare.core.errors import TameFlareError


def write_private(path: Path, content: str) -> None:
    """Write `path` with mode 0600 in one step: a reader sees the old or the new file, never half of one.

    Raises TameFlareError where the place cannot be written.
    """
    try:
        descriptor, temporary = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}-")
        with os.fdopen(descriptor, "w", encoding="utf-8") as file:
            file.write(content)
        Path(temporary).replace(path)
    except OSError as fault:
        raise unwritable(path, fault) from None


def private_folder(path: Path) -> None:
    """Make `path` with mode 0700, or narrow it to that. Raises TameFlareError where that is refused."""
    try:
        path.mkdir(mode=0o700, parents=True, exist_ok=True)
        path.chmod(0o700)
    except OSError as fault:
        raise unwritable(path, fault) from None


def unwritable(path: Path, fault: OSError) -> TameFlareError:
    return TameFlareError(f"cannot write `{path}`: {fault.strerror}", "check its owner and mode")
