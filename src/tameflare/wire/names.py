"""Header field names: which pass on as they came, which the proxy reads itself, which end here.

The names that clients really send are looked up as they are spelled, so that the common case costs one dictionary
access. A spelling seen for the first time is checked and then remembered, up to a bound.
"""

from __future__ import annotations

import re
from typing import Final

TOKEN: Final = re.compile(rb"[!#$%&'*+\-.^_`|~0-9A-Za-z]+")  # RFC 9110 §5.6.2

# Fields with a meaning to the framing; everything else is a lower-case name (passes on) or DROPPED.
DROPPED: Final = 0
HOST: Final = 1
CONTENT_LENGTH: Final = 2
TRANSFER_ENCODING: Final = 3
CONNECTION: Final = 4
EXPECT: Final = 5
UPGRADE: Final = 6
PROXY_AUTHORIZATION: Final = 7

_SHARED: Final[dict[bytes, int]] = {
    b"content-length": CONTENT_LENGTH,
    b"transfer-encoding": TRANSFER_ENCODING,
    b"connection": CONNECTION,
    b"upgrade": UPGRADE,
    # hop-by-hop, RFC 9110 §7.6.1
    b"keep-alive": DROPPED,
    b"te": DROPPED,
    b"trailer": DROPPED,
}
_REQUEST: Final = _SHARED | {b"host": HOST, b"expect": EXPECT, b"proxy-authorization": PROXY_AUTHORIZATION}
_RESPONSE: Final = _SHARED | {b"alt-svc": DROPPED}  # an alternative service would lead the client round the proxy
_DROPPED_PREFIXES: Final = (b"proxy-", b"x-tameflare-")
_REMEMBERED: Final = 2048
_LONGEST: Final = 64


class Names(dict[bytes, "bytes | int"]):
    """Spelling → lower-case name or field number, for the spellings met so far."""

    def __init__(self, special: dict[bytes, int]) -> None:
        super().__init__()
        self._special = special

    def learn(self, name: bytes) -> bytes | int:
        """What `name` is; ValueError for what is no field name, which is not remembered.

        `Content_Length` and the like end here: some servers take them for the fields that they resemble.
        """
        if TOKEN.fullmatch(name) is None:
            raise ValueError(name)
        lower = name.lower()
        plain = lower.replace(b"_", b"-")
        ends_here = plain.startswith(_DROPPED_PREFIXES) or (plain != lower and plain in self._special)
        otherwise = DROPPED if ends_here else lower
        known = self._special.get(lower, otherwise)
        if len(self) < _REMEMBERED and len(name) <= _LONGEST:
            self[name] = known
        return known


REQUEST_NAMES: Final = Names(_REQUEST)
RESPONSE_NAMES: Final = Names(_RESPONSE)
