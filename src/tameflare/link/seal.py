"""Signing the configuration and sealing the bundle."""

from __future__ import annotations

import hashlib
from typing import Final

import msgspec
from cryptography.exceptions import InvalidSignature, InvalidTag
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from tameflare.core.config import Configuration
from tameflare.core.errors import TameFlareError
from tameflare.link.messages import Bundle, Snapshot

_INFO: Final = b"tameflare link bundle v1"
_SIGNED: Final = b"tameflare configuration v1\n"
_NONCE_BYTES: Final = 12


class SealBroken(TameFlareError):
    """A snapshot that was not made by our control plane for this proxy; the last good one stays."""

    code = "snapshot_invalid"


def bundle_key(link_token: str, proxy_id: str) -> bytes:
    """32 bytes that only the holder of the link token can derive."""
    return HKDF(SHA256(), 32, salt=proxy_id.encode(), info=_INFO).derive(link_token.encode())


def seal_snapshot(
    configuration: Configuration, bundle: Bundle, signer: Ed25519PrivateKey, key: bytes, proxy_id: str, nonce: bytes
) -> Snapshot:
    """Sign and seal one version for one proxy. The caller fills `bundle` but for what depends on the configuration.

    `nonce` is 12 fresh random bytes.
    """
    body = msgspec.json.encode(configuration)
    public = signer.public_key().public_bytes(Encoding.Raw, PublicFormat.Raw)
    bound = msgspec.structs.replace(
        bundle,
        version=configuration.version,
        configuration_sha256=hashlib.sha256(body).hexdigest(),
        signing_key=public,
    )
    sealed = nonce + AESGCM(key).encrypt(
        nonce, msgspec.json.encode(bound), _associated(proxy_id, configuration.version)
    )
    return Snapshot(configuration.version, body, signer.sign(_SIGNED + body), sealed)


def open_snapshot(snapshot: Snapshot, key: bytes, proxy_id: str) -> tuple[Configuration, Bundle]:
    """Check the seal, the signature and that the two parts belong together. Raises SealBroken."""
    bundle = _open_bundle(snapshot, key, proxy_id)
    body = snapshot.configuration
    if bundle.configuration_sha256 != hashlib.sha256(body).hexdigest() or bundle.version != snapshot.version:
        raise SealBroken("configuration and credentials do not belong together")
    try:
        Ed25519PublicKey.from_public_bytes(bundle.signing_key).verify(snapshot.signature, _SIGNED + body)
    except (InvalidSignature, ValueError):
        raise SealBroken("the configuration's signature is wrong") from None
    configuration = _decode(body)
    if configuration.version != snapshot.version:
        raise SealBroken("the configuration's version is not the one announced")
    return configuration, bundle


def _open_bundle(snapshot: Snapshot, key: bytes, proxy_id: str) -> Bundle:
    nonce, sealed = snapshot.bundle[:_NONCE_BYTES], snapshot.bundle[_NONCE_BYTES:]
    try:
        plain = AESGCM(key).decrypt(nonce, sealed, _associated(proxy_id, snapshot.version))
        return msgspec.json.decode(plain, type=Bundle)
    except (InvalidTag, ValueError, msgspec.MsgspecError):
        raise SealBroken("the bundle cannot be opened", "check that this proxy uses its own link token") from None


def _decode(body: bytes) -> Configuration:
    try:
        return msgspec.json.decode(body, type=Configuration)
    except msgspec.MsgspecError:
        raise SealBroken("the configuration cannot be read", "upgrade this proxy") from None


def _associated(proxy_id: str, version: int) -> bytes:
    return f"{proxy_id}|{version}".encode()
