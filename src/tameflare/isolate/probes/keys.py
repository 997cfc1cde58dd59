"""Keys and tokens of the user for other services, where their programs keep them."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from tameflare.isolate.probes.base import Came, Facts, Try, attempt

_KNOWN: Final = (
    ".ssh/id_rsa", ".ssh/id_ecdsa", ".ssh/id_ed25519", ".gnupg/private-keys-v1.d", ".netrc", ".git-credentials",
    ".aws/credentials", ".aws/sso/cache", ".azure", ".config/gcloud", ".kube/config", ".docker/config.json",
    ".config/gh/hosts.yml", ".config/glab-cli/config.yml", ".npmrc", ".pypirc", ".cargo/credentials.toml",
    ".terraform.d/credentials.tfrc.json", ".config/op", ".password-store", ".local/share/keyrings",
    ".claude/.credentials.json", ".codex/auth.json", ".mozilla/firefox", ".config/google-chrome", ".config/chromium",
)  # fmt: skip


def keys(_facts: Facts) -> Iterator[Try]:
    """Whether something is there and can be opened; what stands in for something hidden is empty."""
    found = [Path.home() / name for name in _KNOWN if os.access(Path.home() / name, os.F_OK)]
    for path in found:
        yield attempt(str(path), Came.DONE, _open, path)
    if not found:
        yield Try("keys", Came.ABSENT, "none of those known by name is here")


def _open(path: Path) -> None:
    """Raises OSError where it is closed, or where nothing is in it."""
    if path.is_dir():
        is_empty = next(path.iterdir(), None) is None
    else:
        with path.open("rb") as file:
            is_empty = not os.fstat(file.fileno()).st_size
    if is_empty:
        raise FileNotFoundError(2, "it is empty")
