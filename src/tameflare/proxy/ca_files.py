"""The two files of the certificate authority: read, and refused where they are open to others or do not fit."""

from __future__ import annotations

from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import load_pem_private_key

from tameflare.process import StartFault, check_private

_HELP = "put both files back from a backup, or remove both: a new authority is made, which agents must be given"


def load_authority(
    key_path: Path, certificate_path: Path, *, allow_wide: bool
) -> tuple[ec.EllipticCurvePrivateKey | None, x509.Certificate | None]:
    """Key and certificate, None for what is not there yet. The key is written first, so a certificate without one is a
    fault. Raises StartFault."""
    key = _load_key(key_path, allow_wide=allow_wide) if key_path.exists() else None
    certificate = _load_certificate(certificate_path) if certificate_path.exists() else None
    if certificate is not None:
        if key is None:
            raise StartFault(f"`{key_path}` is missing", _HELP)
        if certificate.public_key() != key.public_key():
            raise StartFault(f"`{certificate_path}` is not the certificate of `{key_path}`", _HELP)
    return key, certificate


def _load_key(path: Path, *, allow_wide: bool) -> ec.EllipticCurvePrivateKey:
    if not allow_wide:
        check_private(path)
    try:
        key = load_pem_private_key(path.read_bytes(), password=None)
    except (OSError, ValueError, TypeError):
        raise StartFault(f"`{path}` cannot be read as a key", _HELP) from None
    if not isinstance(key, ec.EllipticCurvePrivateKey):
        raise StartFault(f"`{path}` is no elliptic-curve key", _HELP)
    return key


def _load_certificate(path: Path) -> x509.Certificate:
    try:
        return x509.load_pem_x509_certificate(path.read_bytes())
    except (OSError, ValueError):
        raise StartFault(f"`{path}` cannot be read as a certificate", _HELP) from None
