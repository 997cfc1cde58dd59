"""One file of certificate authorities for a governed command: the system's, the user's, and the proxy's own."""

from __future__ import annotations

import ssl
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Final

from tameflare.cli.ordinary import BUNDLE_BYTES, Reader

_SYSTEM: Final = (
    "/etc/ssl/certs/ca-certificates.crt",
    "/etc/pki/tls/certs/ca-bundle.crt",
    "/etc/ssl/ca-bundle.pem",
    "/etc/ssl/cert.pem",
)
USERS: Final = ("SSL_CERT_FILE", "REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE", "NODE_EXTRA_CA_CERTS", "AWS_CA_BUNDLE")


def bundle_text(ours: str, environment: Mapping[str, str], reader: Reader) -> str:
    """PEM of every authority that the command should trust, as far as `reader` reads it. Ours stands first, so that a
    reader of one certificate finds it."""
    return "\n".join(text.rstrip() + "\n" for text in (ours, *_texts(environment, reader)))


def _texts(environment: Mapping[str, str], reader: Reader) -> Iterator[str]:
    seen: set[Path] = set()
    system = next(((place, text) for place in _system() if (text := reader.text(place, BUNDLE_BYTES))), None)
    if system:
        seen.add(system[0].resolve())
        yield system[1]
    for path in (Path(environment[name]) for name in USERS if environment.get(name)):
        if path.resolve() not in seen:
            seen.add(path.resolve())
            yield from filter(None, [reader.text(path, BUNDLE_BYTES)])


def _system() -> Iterator[Path]:
    """Where its authorities may be; the first that can be read counts."""
    yield from map(Path, filter(None, (ssl.get_default_verify_paths().cafile, *_SYSTEM)))
    import certifi

    yield Path(certifi.where())
