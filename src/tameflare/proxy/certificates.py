"""X.509 certificates of the installation's authority, as strict clients want them (RFC 5280 section 4.2.1).

OpenSSL's X509_V_FLAG_X509_STRICT, which Python 3.13 sets by default, asks for: basic constraints marked critical and
key usage with keyCertSign in the authority; subject and authority key identifiers; an alternative name in the leaf.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Sequence
from contextlib import suppress
from datetime import datetime, timedelta
from typing import Final

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from tameflare.core.errors import InvalidValue

AUTHORITY_LIFE: Final = timedelta(days=3650)
CLOCK_SKEW: Final = timedelta(days=1)
LONGEST_COMMON_NAME: Final = 64
LONGEST_HOST: Final = 253


def make_authority(key: ec.EllipticCurvePrivateKey, now: datetime) -> x509.Certificate:
    """A self-signed authority that may sign leaves only. Its name carries its key's identifier, so that authorities of
    two installations are told apart by clients that have both."""
    identifier = x509.SubjectKeyIdentifier.from_public_key(key.public_key())
    name = x509.Name(
        [
            x509.NameAttribute(NameOID.ORGANIZATION_NAME, "TameFlare"),
            x509.NameAttribute(NameOID.COMMON_NAME, f"TameFlare local CA {identifier.digest.hex()[:16]}"),
        ]
    )
    return (
        _begin(name, name, key.public_key(), now - CLOCK_SKEW, now + AUTHORITY_LIFE)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .add_extension(_usage(signs_certificates=True), critical=True)
        .add_extension(identifier, critical=False)
        .add_extension(x509.AuthorityKeyIdentifier.from_issuer_subject_key_identifier(identifier), critical=False)
        .sign(key, SHA256())
    )


def make_leaf(
    host: str,
    key: ec.EllipticCurvePrivateKey,
    authority: x509.Certificate,
    authority_key: ec.EllipticCurvePrivateKey,
    now: datetime,
    until: datetime,
    *,
    others: Sequence[str] = (),
) -> x509.Certificate:
    """A server's certificate for a host name or address, and for `others`. Raises InvalidValue for what cannot be
    named."""
    named = [_alternative_name(each) for each in (host, *others)]
    issuer = authority.extensions.get_extension_for_class(x509.SubjectKeyIdentifier).value
    return (
        _begin(_leaf_name(host), authority.subject, key.public_key(), now - CLOCK_SKEW, until)
        .add_extension(x509.SubjectAlternativeName(named), critical=False)
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(_usage(signs_certificates=False), critical=True)
        .add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH]), critical=False)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
        .add_extension(x509.AuthorityKeyIdentifier.from_issuer_subject_key_identifier(issuer), critical=False)
        .sign(authority_key, SHA256())
    )


def _begin(
    subject: x509.Name, issuer: x509.Name, public_key: ec.EllipticCurvePublicKey, start: datetime, end: datetime
) -> x509.CertificateBuilder:
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(public_key)
        .serial_number(x509.random_serial_number())
        .not_valid_before(start)
        .not_valid_after(end)
    )


def _leaf_name(host: str) -> x509.Name:
    """Clients read the alternative name; a common name has room for 64 characters only."""
    common = host if len(host) <= LONGEST_COMMON_NAME else "TameFlare leaf"
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, common)])


def _alternative_name(host: str) -> x509.GeneralName:
    with suppress(ValueError):
        return x509.IPAddress(ipaddress.ip_address(host))
    plain = host.isascii() and host.isprintable() and not set(host) & set(" *:/@[]")
    if not plain or not 0 < len(host) <= LONGEST_HOST:
        raise InvalidValue(f"no certificate can be made for host `{host}`")
    return x509.DNSName(host)


def _usage(*, signs_certificates: bool) -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=not signs_certificates,
        key_cert_sign=signs_certificates,
        crl_sign=signs_certificates,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        encipher_only=False,
        decipher_only=False,
    )
