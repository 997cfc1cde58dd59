"""One file of certificate authorities for a governed command: the system's, the user's, and the proxy's own."""

from __future__ import annotations

import os
import ssl
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Final

_SYSTEM: Final = (
    "/etc/ssl/certs/ca-certificates.crt",
    "/etc/pki/tls/certs/ca-bundle.crt",
    "/etc/ssl/ca-bundle.pem",
    "/etc/ssl/cert.pem",
)
USERS: Final = ("SSL_CERT_FILE", "REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE", "NODE_EXTRA_CA_CERTS", "AWS_CA_BUNDLE")


def bundle_text(ours: str, environment: Mapping[str, str]) -> str:
    """PEM of every authority that the command should trust. Ours stands first, so that a reader of one
    certificate finds it."""
    parts = [ours.rstrip() + "\n"]
    parts += [path.read_text(encoding="utf-8", errors="replace").rstrip() + "\n" for path in _sources(environment)]
    return "\n".join(parts)


def _sources(environment: Mapping[str, str]) -> Iterator[Path]:
    seen: set[Path] = set()
    for path in (_system(), *(Path(environment[name]) for name in USERS if environment.get(name))):
        resolved = path.resolve()
        if resolved not in seen and resolved.is_file() and os.access(resolved, os.R_OK):
            seen.add(resolved)
            yield resolved


def _system() -> Path:
    default = ssl.get_default_verify_paths().cafile
    for place in filter(None, (default, *_SYSTEM)):
        if Path(place).is_file():
            return Path(place)
    import certifi

    return Path(certifi.where())
