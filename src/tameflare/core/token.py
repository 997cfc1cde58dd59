"""A decision token: what it says, and the checks that need no key.

A token is a JWS in compact form (RFC 7515 section 7.1) with the claims of a JWT (RFC 7519), signed with ES256 (RFC 7518
section 3.4). Readers of tokens have been led astray by everything that a header may hold, so that the form is held
narrow: three members in the header, canonical base64url, one low `s` in the signature. Nothing else is tried.
"""

from __future__ import annotations

import json
import re
from base64 import urlsafe_b64decode, urlsafe_b64encode
from typing import Any, Final

import msgspec

from tameflare.core.action_states import TOKEN_SECONDS
from tameflare.core.errors import TameFlareError

ALGORITHM: Final = "ES256"
TYPE: Final = "JWT"
LIFE: Final = TOKEN_SECONDS
"""Seconds from the minting to the end."""
SKEW: Final = 30
"""Seconds by which clocks may differ."""
LARGEST: Final = 4096
NONCE_BYTES: Final = 16
ORDER: Final = 0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551
"""Of the group of P-256 (SEC 2, section 2.4.2)."""
_NUMBER_BYTES: Final = 32
_MEMBERS: Final = frozenset({"alg", "kid", "typ"})
_TEXT: Final = re.compile(r"[A-Za-z0-9_-]+")
_HELP: Final = "ask for a new decision"


class TokenRefused(TameFlareError):
    """A token that proves nothing; its code says at which check."""

    def __init__(self, code: str, message: str, help: str = _HELP) -> None:  # noqa: A002
        super().__init__(message, help, code=code)


class Claims(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What a token says. `sub` is the agent and `aud` its gateway, by name; times in Unix seconds."""

    action_request_id: str
    action_spec_hash: str
    nonce: str
    iat: int
    exp: int
    iss: str
    aud: str
    sub: str
    kid: str


class Parts(msgspec.Struct, frozen=True):
    """A token that has the right form; nothing of it is proved yet."""

    kid: str
    payload: bytes
    signed: bytes
    signature: bytes


def header(kid: str) -> bytes:
    """The header of a token, encoded."""
    return encode(msgspec.json.encode({"alg": ALGORITHM, "kid": kid, "typ": TYPE}))


def encode(raw: bytes) -> bytes:
    """base64url without padding (RFC 7515 section 2)."""
    return urlsafe_b64encode(raw).rstrip(b"=")


def take_apart(text: str) -> Parts:
    """Check the form and the algorithm. Raises TokenRefused."""
    if len(text) > LARGEST:
        raise _malformed(f"it is longer than {LARGEST} characters")
    parts = text.split(".")
    if len(parts) != 3:
        raise _malformed("it does not have three parts")
    found, payload, signature = map(_decode, parts)
    head = _object(found)
    if head.get("alg") != ALGORITHM:
        raise TokenRefused("algorithm_refused", f"decision tokens are signed with {ALGORITHM} and nothing else")
    if head.keys() != _MEMBERS or head["typ"] != TYPE:
        raise _malformed("its header holds something else than `alg`, `kid` and `typ`")
    kid = head["kid"]
    if not isinstance(kid, str):
        raise unknown_key()
    _check_signature(signature)
    return Parts(kid, payload, text.rpartition(".")[0].encode(), signature)


def claims_of(payload: bytes) -> Claims:
    """The claims of a token whose signature was verified. Raises TokenRefused."""
    _object(payload)
    try:
        return msgspec.json.decode(payload, type=Claims)
    except msgspec.MsgspecError:
        raise _malformed("its claims are not those of a decision token") from None


def check_time(claims: Claims, now: float) -> None:
    """Raises TokenRefused for a token that is over, or that was made in the future."""
    if now >= claims.exp + SKEW:
        raise TokenRefused("token_expired", "the decision token has expired")
    if claims.iat > now + SKEW or claims.exp - claims.iat != LIFE:
        raise _malformed("its times are not those of a decision token")


def unknown_key() -> TokenRefused:
    return TokenRefused("unknown_key", "the decision token was signed with a key that is not accepted here")


def bad_signature() -> TokenRefused:
    return TokenRefused("signature_invalid", "the decision token's signature is not one of its key")


def _malformed(why: str) -> TokenRefused:
    return TokenRefused("token_malformed", f"this is no decision token: {why}")


def _decode(part: str) -> bytes:
    """The bytes of one part, which must be written in the one canonical way."""
    if not _TEXT.fullmatch(part) or len(part) % 4 == 1:
        raise _malformed("a part of it is not base64url")
    raw = urlsafe_b64decode(part + "=" * (-len(part) % 4))
    if encode(raw).decode() != part:
        raise _malformed("a part of it is not canonical base64url")
    return raw


def _object(raw: bytes) -> dict[str, Any]:
    """A JSON object that names each member once."""
    try:
        value = json.loads(raw.decode("utf-8"), object_pairs_hook=_once)
    except (ValueError, RecursionError):
        raise _malformed("a part of it is not JSON") from None
    if not isinstance(value, dict):
        raise _malformed("a part of it is not a JSON object")
    return value


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    built = dict(pairs)
    if len(built) != len(pairs):
        raise ValueError("a member is named twice")
    return built


def _check_signature(signature: bytes) -> None:
    """`r` and `s` of 32 bytes each (RFC 7518 section 3.4), in their range, `s` in its lower half.

    With the lower half alone no second signature can be made of a first.
    """
    r, s = (int.from_bytes(part) for part in (signature[:_NUMBER_BYTES], signature[_NUMBER_BYTES:]))
    if len(signature) != 2 * _NUMBER_BYTES or not 0 < r < ORDER or not 0 < s <= ORDER // 2:
        raise bad_signature()
