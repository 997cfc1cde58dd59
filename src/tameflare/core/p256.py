"""Keys on the curve P-256: read from text, written as JWK, named by thumbprint; signatures as JOSE writes them."""

from __future__ import annotations

import binascii
import hashlib
from base64 import b64decode, urlsafe_b64decode
from typing import Final

import msgspec
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ec import (
    ECDSA,
    SECP256R1,
    EllipticCurvePrivateKey,
    EllipticCurvePublicKey,
    EllipticCurvePublicNumbers,
)
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature, encode_dss_signature
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    PublicFormat,
    load_der_private_key,
    load_der_public_key,
    load_pem_private_key,
    load_pem_public_key,
)

from tameflare.core.token import ORDER, encode

_NUMBER_BYTES: Final = 32
_SIGNING: Final = ECDSA(SHA256(), deterministic_signing=True)
_VERIFYING: Final = ECDSA(SHA256())
_PEM: Final = b"-----BEGIN "


def read_private(text: str) -> EllipticCurvePrivateKey:
    """From PEM (PKCS 8 or SEC 1), its line breaks perhaps written `\\n`, or base64 of PEM or DER. Raises ValueError."""
    raw = _bytes(text)
    try:
        load = load_pem_private_key if raw.startswith(_PEM) else load_der_private_key
        key = load(raw, None)
    except (ValueError, TypeError) as fault:  # TypeError: it is sealed with a password
        raise ValueError("no private key without a password") from fault
    if not isinstance(key, EllipticCurvePrivateKey) or not isinstance(key.curve, SECP256R1):
        raise ValueError("no key on the curve P-256")
    return key


def read_public(text: str) -> EllipticCurvePublicKey:
    """From PEM or DER (SubjectPublicKeyInfo), written as for `read_private`. Raises ValueError."""
    raw = _bytes(text)
    load = load_pem_public_key if raw.startswith(_PEM) else load_der_public_key
    try:
        key = load(raw)
    except ValueError as fault:
        raise ValueError("no public key") from fault
    if not isinstance(key, EllipticCurvePublicKey) or not isinstance(key.curve, SECP256R1):
        raise ValueError("no key on the curve P-256")
    return key


def _bytes(text: str) -> bytes:
    plain = text.replace("\\n", "\n").strip().encode()
    if plain.startswith(_PEM):
        return plain + b"\n"
    try:
        return b64decode(b"".join(plain.split()), validate=True)
    except binascii.Error as fault:
        raise ValueError("neither PEM nor base64") from fault


def der(key: EllipticCurvePublicKey) -> bytes:
    """SubjectPublicKeyInfo."""
    return key.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)


def jwk(key: EllipticCurvePublicKey) -> dict[str, str]:
    """The members of a public key (RFC 7518 section 6.2.1) that its thumbprint is made of."""
    numbers = key.public_numbers()
    x, y = (encode(number.to_bytes(_NUMBER_BYTES)).decode() for number in (numbers.x, numbers.y))
    return {"crv": "P-256", "kty": "EC", "x": x, "y": y}


def from_jwk(members: dict[str, str]) -> EllipticCurvePublicKey:
    """Raises ValueError for what is no point of the curve."""
    x, y = (int.from_bytes(urlsafe_b64decode(members[name] + "==")) for name in ("x", "y"))
    return EllipticCurvePublicNumbers(x, y, SECP256R1()).public_key()


def thumbprint(key: EllipticCurvePublicKey) -> str:
    """What the key is named by everywhere (RFC 7638, SHA-256)."""
    return encode(hashlib.sha256(msgspec.json.encode(jwk(key), order="sorted")).digest()).decode()


def sign(key: EllipticCurvePrivateKey, data: bytes) -> bytes:
    """64 bytes, the same for the same key and data (RFC 6979), with `s` in its lower half."""
    r, s = decode_dss_signature(key.sign(data, _SIGNING))
    return r.to_bytes(_NUMBER_BYTES) + min(s, ORDER - s).to_bytes(_NUMBER_BYTES)


def verifies(key: EllipticCurvePublicKey, signature: bytes, data: bytes) -> bool:
    """Whether 64 bytes are this key's signature of the data."""
    r, s = (int.from_bytes(part) for part in (signature[:_NUMBER_BYTES], signature[_NUMBER_BYTES:]))
    try:
        key.verify(encode_dss_signature(r, s), data, _VERIFYING)
    except InvalidSignature:
        return False
    return True
