"""The vault: secrets at rest, sealed with AES-256-GCM under the master key.

What it writes: `enc:v2:<key id>:<base64(nonce + ciphertext + tag)>`, bound to table, column and row so that a value
cannot be moved to another place; one key per table by HKDF. Without a master key it writes plain text.

What it reads besides: `enc:<base64(nonce + ciphertext + tag)>` of older installations (the master key itself, not
bound to a place), and plain text.
"""

from __future__ import annotations

import binascii
from base64 import b64decode, b64encode
from collections.abc import Callable
from typing import Final

import msgspec
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from tameflare.core.errors import TameFlareError
from tameflare.core.secret import Secret

WARNING: Final = "Secrets stored without encryption"
_MARK: Final = "enc:"
_V2: Final = "enc:v2:"
_PLAIN: Final = "plain:"
_NONCE_BYTES: Final = 12
_KEY_INFO: Final = "tameflare vault v2 "


class VaultFault(TameFlareError):
    """A sealed value that cannot be opened; it has to be entered again, or the right key to be given."""

    code = "secret_unreadable"


class Place(msgspec.Struct, frozen=True):
    """Where a value stands; a value sealed for one place cannot be opened at another."""

    table: str
    column: str
    id: str

    @property
    def associated(self) -> bytes:
        return f"{self.table}|{self.column}|{self.id}".encode()


class Vault:
    """Seals and opens. `entropy` gives n random bytes."""

    def __init__(self, master: Secret | None, entropy: Callable[[int], bytes]) -> None:
        self._master = None if master is None else bytes.fromhex(master.reveal())
        self._entropy = entropy
        self.key_id = "" if self._master is None else self._derive("id")[:4].hex()

    @property
    def encrypts(self) -> bool:
        return self._master is not None

    def seal(self, text: str, place: Place) -> str:
        """The text as it is stored. What a person typed is never taken for a sealed value, however it begins."""
        if self._master is None:
            return _PLAIN + text if text.startswith((_MARK, _PLAIN)) else text
        nonce = self._entropy(_NONCE_BYTES)
        sealed = nonce + AESGCM(self._derive(place.table)).encrypt(nonce, text.encode(), place.associated)
        return f"{_V2}{self.key_id}:{b64encode(sealed).decode()}"

    def open(self, stored: str, place: Place) -> str:
        """The text again. Raises VaultFault with what to do."""
        if stored.startswith(_V2):
            return self._open_v2(stored, place)
        if stored.startswith(_MARK):
            return self._decrypt(self._require(place), stored.removeprefix(_MARK), None, place)
        return stored.removeprefix(_PLAIN)

    def is_current(self, stored: str) -> bool:
        """Whether the value is stored as `seal` would store it now."""
        return stored.startswith(f"{_V2}{self.key_id}:") if self.encrypts else not stored.startswith(_MARK)

    def _open_v2(self, stored: str, place: Place) -> str:
        key_id, _, body = stored.removeprefix(_V2).partition(":")
        self._require(place)
        if key_id != self.key_id:
            raise VaultFault(
                f"the secret of {place.table} `{place.id}` was sealed under another SETTINGS_ENCRYPTION_KEY ({key_id})",
                "start with that key, or enter the secret again",
            )
        return self._decrypt(self._derive(place.table), body, place.associated, place)

    def _require(self, place: Place) -> bytes:
        if self._master is None:
            raise VaultFault(
                f"the secret of {place.table} `{place.id}` is sealed and SETTINGS_ENCRYPTION_KEY is not set",
                "set the key it was sealed under, or enter the secret again",
            )
        return self._master

    def _decrypt(self, key: bytes, body: str, associated: bytes | None, place: Place) -> str:
        try:
            raw = b64decode(body, validate=True)
            return AESGCM(key).decrypt(raw[:_NONCE_BYTES], raw[_NONCE_BYTES:], associated).decode()
        except (InvalidTag, binascii.Error, ValueError):
            raise VaultFault(
                f"the secret of {place.table} `{place.id}` cannot be opened",
                "start with the SETTINGS_ENCRYPTION_KEY it was sealed under, or enter the secret again",
            ) from None

    def _derive(self, purpose: str) -> bytes:
        assert self._master is not None
        return HKDF(SHA256(), 32, salt=None, info=(_KEY_INFO + purpose).encode()).derive(self._master)


def mask(value: str) -> str:
    """A secret as it may be shown to admins: at most three characters of its kind and the last four."""
    return f"{value[:3]}…****{value[-4:]}" if len(value) >= 24 else "****"
