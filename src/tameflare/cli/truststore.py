"""Certificate authorities as a trust store for Java: PKCS #12 (RFC 7292) without password, encryption or MAC.

There is nothing secret in it, and who can change it can change the bundle beside it as well. Certificates are carried
as they are and never parsed, so that one with an odd number or extension costs nobody the others. Written by hand
because `tf run` must start in a fraction of a second, and a library for it takes much of that to load.
"""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Iterable
from typing import Final

_CERTIFICATE: Final = re.compile(r"-----BEGIN CERTIFICATE-----([A-Za-z0-9+/=\s]+)-----END CERTIFICATE-----")
_SEQUENCE, _SET, _OCTETS, _BMP, _OBJECT, _EXPLICIT, _INTEGER = 0x30, 0x31, 0x04, 0x1E, 0x06, 0xA0, 0x02
_SHORT: Final = 0x80


def truststore(pem: str) -> bytes:
    """The certificates of a PEM text as trusted entries, each once."""
    found = dict.fromkeys(_certificates(pem))
    bags = _tagged(_SEQUENCE, *(_bag(number, der) for number, der in enumerate(found)))
    return _tagged(_SEQUENCE, _VERSION, _content(_tagged(_SEQUENCE, _content(bags))))


def _certificates(pem: str) -> Iterable[bytes]:
    for match in _CERTIFICATE.finditer(pem):
        try:
            yield base64.b64decode("".join(match[1].split()), validate=True)
        except binascii.Error:
            continue  # a block that is no certificate is none to trust


def _bag(number: int, certificate: bytes) -> bytes:
    """A certificate under a name of its own, with the attribute by which Java takes it for a trusted entry."""
    held = _tagged(_SEQUENCE, _X509, _tagged(_EXPLICIT, _tagged(_OCTETS, certificate)))
    name = _attribute(_FRIENDLY_NAME, _tagged(_BMP, f"tameflare-{number}".encode("utf-16-be")))
    attributes = _tagged(_SET, *sorted((name, _TRUSTED)))
    return _tagged(_SEQUENCE, _CERT_BAG, _tagged(_EXPLICIT, held), attributes)


def _content(data: bytes) -> bytes:
    return _tagged(_SEQUENCE, _DATA, _tagged(_EXPLICIT, _tagged(_OCTETS, data)))


def _attribute(kind: bytes, value: bytes) -> bytes:
    return _tagged(_SEQUENCE, kind, _tagged(_SET, value))


def _tagged(tag: int, *parts: bytes) -> bytes:
    """One value in DER (X.690)."""
    content = b"".join(parts)
    size = len(content)
    if size < _SHORT:
        return bytes((tag, size)) + content
    length = size.to_bytes((size.bit_length() + 7) // 8, "big")
    return bytes((tag, _SHORT | len(length))) + length + content


def _object(dotted: str) -> bytes:
    first, second, *rest = map(int, dotted.split("."))
    return _tagged(_OBJECT, b"".join(map(_base_128, (first * 40 + second, *rest))))


def _base_128(number: int) -> bytes:
    found = [number & 0x7F]
    while number := number >> 7:
        found.append(number & 0x7F | 0x80)
    return bytes(reversed(found))


_VERSION: Final = _tagged(_INTEGER, b"\x03")
_DATA: Final = _object("1.2.840.113549.1.7.1")
_CERT_BAG: Final = _object("1.2.840.113549.1.12.10.1.3")
_X509: Final = _object("1.2.840.113549.1.9.22.1")
_FRIENDLY_NAME: Final = _object("1.2.840.113549.1.9.20")
_TRUSTED: Final = _attribute(_object("2.16.840.1.113894.746875.1.1"), _object("2.5.29.37.0"))
"""Oracle's trusted-key usage, for any purpose."""
