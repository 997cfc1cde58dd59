"""How upstream servers are verified."""

from __future__ import annotations

import ssl
from pathlib import Path

import certifi

from tameflare.core.errors import SettingError


def upstream_context(extra_authorities: str) -> ssl.SSLContext:
    """The system's trust store (certifi's where there is none) plus the file of TF_UPSTREAM_CA. Raises SettingError."""
    context = ssl.create_default_context()
    if not context.cert_store_stats()["x509_ca"] and not Path(ssl.get_default_verify_paths().capath or "").is_dir():
        context.load_verify_locations(cafile=certifi.where())
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.set_alpn_protocols(["http/1.1"])
    if extra_authorities:
        try:
            context.load_verify_locations(cafile=extra_authorities)
        except (OSError, ssl.SSLError):
            raise SettingError(
                f"TF_UPSTREAM_CA `{extra_authorities}` is not a readable PEM file", "correct it or unset it"
            ) from None
    return context
