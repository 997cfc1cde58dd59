"""What the first bytes inside a tunnel are."""

from __future__ import annotations

from enum import Enum
from typing import Final

from tameflare.wire.methods import METHODS


class FirstBytes(Enum):
    """TLS and HTTP/1 are governed; anything else is refused; MORE says that it cannot be told yet."""

    TLS = "tls"
    HTTP = "http"
    OTHER = "other"
    MORE = "more"


_HANDSHAKE: Final = 0x16  # TLS record type, RFC 8446 §5.1
_CLIENT_HELLO: Final = 0x01
_STARTS: Final = tuple(method + b" " for method in METHODS)
_LONGEST_START: Final = max(map(len, _STARTS))


def sniff(data: bytes) -> FirstBytes:
    """Decides by as few bytes as will do: six of a ClientHello, or a method with its space."""
    if not data:
        return FirstBytes.MORE
    if data[0] == _HANDSHAKE:
        return _client_hello(data)
    if data.startswith(_STARTS):
        return FirstBytes.HTTP
    if len(data) < _LONGEST_START and any(start.startswith(data) for start in _STARTS):
        return FirstBytes.MORE
    return FirstBytes.OTHER


def _client_hello(data: bytes) -> FirstBytes:
    """Record of type handshake, version 3.0 to 3.4, its first message a ClientHello."""
    if (len(data) > 1 and data[1] != 3) or (len(data) > 2 and data[2] > 4):
        return FirstBytes.OTHER
    if len(data) < 6:
        return FirstBytes.MORE
    return FirstBytes.TLS if data[5] == _CLIENT_HELLO else FirstBytes.OTHER
