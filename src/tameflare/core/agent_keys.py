"""Agent keys: `tf_live_` or `tf_test_`, forty random characters, and a checksum over them.

The checksum (CRC-32 in base 62, as other issuers of keys have it) lets a mistyped or made-up key be refused without a
look into the database; it proves nothing. The first sixteen characters are what a key is looked up by. Keys `aaf_…` of
older installations have no checksum.
"""

from __future__ import annotations

import re
import zlib
from enum import StrEnum
from typing import Final

LOOK_UP: Final = 16
"""Characters by which a key is found; the rest is known only as a hash."""
RANDOM: Final = 40
_CHECKSUM: Final = 6
_DIGITS: Final = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
_FORM: Final = re.compile(rf"tf_(?:live|test)_[0-9A-Za-z]{{{RANDOM + _CHECKSUM}}}")
_FORMER: Final = re.compile(r"aaf_[0-9A-Za-z_\-]{12,68}")


class KeyKind(StrEnum):
    """`test`: nothing that is asked for with it ever reaches an upstream."""

    LIVE = "live"
    TEST = "test"


def new_key(kind: KeyKind, random: bytes) -> str:
    """A key from `RANDOM` random bytes or more, of which each unbiased one gives a character."""
    usable = [_DIGITS[byte % 62] for byte in random if byte < 248]
    if len(usable) < RANDOM:
        raise ValueError("too few random bytes")
    body = f"tf_{kind.value}_{''.join(usable[:RANDOM])}"
    return body + checksum(body)


def checksum(body: str) -> str:
    """Six characters over the whole of a key before them."""
    number, digits = zlib.crc32(body.encode("ascii")), ""
    for _ in range(_CHECKSUM):
        number, digit = divmod(number, 62)
        digits = _DIGITS[digit] + digits
    return digits


def is_well_formed(key: str) -> bool:
    """Whether it could be a key at all. Says nothing of whether it is one."""
    if _FORM.fullmatch(key):
        return checksum(key[:-_CHECKSUM]) == key[-_CHECKSUM:]
    return _FORMER.fullmatch(key) is not None


def look_up(key: str) -> str:
    return key[:LOOK_UP]
