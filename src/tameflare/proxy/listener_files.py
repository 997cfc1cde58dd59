"""The certificate and key that an operator gives to the proxy's TLS listener: read, or refused with a reason."""

from __future__ import annotations

import os
import ssl
import stat
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat, load_pem_private_key

from tameflare.core.errors import SettingError
from tameflare.proxy.server_tls import server_context

_GROUP_WRITES: Final = 0o020
_OTHERS: Final = 0o007
_GROUP: Final = 0o070
Stamp = tuple[tuple[int, int, int], ...]
"""What tells one state of the files from another."""


@dataclass(frozen=True)
class Loaded:
    """A certificate that can be shown; `hosts` are its alternative names, in lower case."""

    context: ssl.SSLContext
    hosts: frozenset[str]
    begins: datetime
    ends: datetime


def stamp(certificate: Path, key: Path) -> Stamp:
    """Changes with either file, also where a link comes to point elsewhere. Raises OSError."""
    return tuple((found.st_mtime_ns, found.st_ino, found.st_size) for found in (certificate.stat(), key.stat()))


def load(certificate: Path, key: Path, now: datetime, *, allow_wide: bool) -> Loaded:
    """Both files, checked. Raises SettingError that says which of them is wrong, and how."""
    if not allow_wide:
        _check_closed(key)
    chain, private = _read("TF_PROXY_TLS_CERT", certificate), _read("TF_PROXY_TLS_KEY", key)
    leaf = _certificate(certificate, chain)
    _check_key(leaf, certificate, key, private)
    _check_time(leaf, certificate, now)
    hosts = _hosts(leaf)
    if not hosts:
        raise SettingError(
            f"the certificate in `{certificate}` names no host (subjectAltName), so no client accepts it",
            "have it issued for the name that agents use",
        )
    try:
        context = server_context(chain, private)
    except ssl.SSLError as fault:
        reason = (fault.reason or "it is refused").lower().replace("_", " ")
        raise SettingError(f"the certificate in `{certificate}` cannot be used: {reason}", "have a new one") from None
    return Loaded(context, hosts, leaf.not_valid_before_utc, leaf.not_valid_after_utc)


def _check_closed(key: Path) -> None:
    """Closed to others; a key of root's may be read by a group, as distributions keep them (0640 root:ssl-cert)."""
    try:
        found = key.stat()
    except OSError as fault:
        raise _unreadable("TF_PROXY_TLS_KEY", key, fault) from None
    mode = stat.S_IMODE(found.st_mode)
    if mode & _OTHERS or mode & (_GROUP if found.st_uid else _GROUP_WRITES):
        raise SettingError(
            f"TF_PROXY_TLS_KEY `{key}` may be used by others (mode {mode:o})",
            f"run `chmod 600 {key}`, or set TF_ALLOW_WIDE_PERMISSIONS=true",
        )


def _read(name: str, path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as fault:
        raise _unreadable(name, path, fault) from None


def _unreadable(name: str, path: Path, fault: OSError) -> SettingError:
    return SettingError(f"{name} `{path}` cannot be read: {os.strerror(fault.errno or 5)}", "correct it or unset it")


def _certificate(path: Path, chain: bytes) -> x509.Certificate:
    try:
        return x509.load_pem_x509_certificates(chain)[0]
    except ValueError:
        raise SettingError(
            f"TF_PROXY_TLS_CERT `{path}` holds no certificate in PEM", "put its own first, then those that signed it"
        ) from None


def _check_key(leaf: x509.Certificate, certificate: Path, path: Path, pem: bytes) -> None:
    try:
        key = load_pem_private_key(pem, password=None)
    except TypeError:
        raise SettingError(f"TF_PROXY_TLS_KEY `{path}` is encrypted", "give it without a passphrase") from None
    except ValueError:
        raise SettingError(f"TF_PROXY_TLS_KEY `{path}` holds no key in PEM", "correct it or unset it") from None
    form = (Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    if key.public_key().public_bytes(*form) != leaf.public_key().public_bytes(*form):
        raise SettingError(
            f"TF_PROXY_TLS_KEY `{path}` is not the key of the first certificate in `{certificate}`",
            "give the two that belong together",
        )


def _check_time(leaf: x509.Certificate, path: Path, now: datetime) -> None:
    if now >= leaf.not_valid_after_utc:
        raise SettingError(f"the certificate in `{path}` ran out at {_told(leaf.not_valid_after_utc)}", "renew it")
    if now < leaf.not_valid_before_utc:
        begins = _told(leaf.not_valid_before_utc)
        raise SettingError(f"the certificate in `{path}` holds only from {begins}", "look at this machine's clock")


def _told(moment: datetime) -> str:
    return moment.astimezone(UTC).strftime("%Y-%m-%d %H:%M UTC")


def _hosts(leaf: x509.Certificate) -> frozenset[str]:
    try:
        names = leaf.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    except x509.ExtensionNotFound:
        return frozenset()
    dns = names.get_values_for_type(x509.DNSName)
    addresses = names.get_values_for_type(x509.IPAddress)
    return frozenset((*(name.lower() for name in dns), *(str(address) for address in addresses)))
