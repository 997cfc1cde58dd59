"""How keys are read from settings; the library for it is imported only where one is set."""

from __future__ import annotations

from base64 import b64encode
from typing import Final

from tameflare.core.errors import SettingError
from tameflare.core.secret import Secret

_PRIVATE: Final = "a P-256 private key in PEM without a password (`openssl ecparam -name prime256v1 -genkey -noout`)"
_PUBLIC: Final = "a P-256 public key in PEM (`openssl ec -pubout`)"


def private_key(value: str) -> Secret | None:
    """Checked, and kept as it was written."""
    from tameflare.core.p256 import read_private

    try:
        read_private(value)
    except ValueError:
        raise ValueError(_PRIVATE) from None
    return Secret(value)


def public_key(value: str) -> str:
    """Checked, and in one line: the base64 of its DER."""
    from tameflare.core.p256 import der, read_public

    try:
        return b64encode(der(read_public(value))).decode()
    except ValueError:
        raise ValueError(_PUBLIC) from None


def check_pair(private: Secret | None, public: str) -> None:
    """Raises SettingError unless the two keys, as they were read, belong together."""
    if not public:
        return
    if private is None:
        raise SettingError(
            "SIGNING_KEY_PUBLIC is set and SIGNING_KEY_PRIVATE is not", "set both, or neither: a pair is then made"
        )
    from tameflare.core.p256 import der, read_private

    if b64encode(der(read_private(private.reveal()).public_key())).decode() != public:
        raise SettingError(
            "SIGNING_KEY_PUBLIC does not belong to SIGNING_KEY_PRIVATE", "unset it: it follows from the private key"
        )
