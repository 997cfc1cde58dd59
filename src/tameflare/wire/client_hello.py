"""The server name in a ClientHello (RFC 8446 section 4.1.2, RFC 6066 section 3), read without opening the handshake."""

from __future__ import annotations

from typing import Final

LARGEST: Final = 64 * 1024
_HANDSHAKE: Final = 22
_CLIENT_HELLO: Final = 1
_SERVER_NAME: Final = 0
_RECORD_HEADER: Final = 5


class HelloFault(Exception):
    """The bytes are no ClientHello."""


class _Reader:
    """Takes fields off the front; running out of bytes is a fault."""

    def __init__(self, data: bytes) -> None:
        self._data = data
        self._at = 0

    @property
    def left(self) -> int:
        return len(self._data) - self._at

    def take(self, size: int) -> bytes:
        if size > self.left:
            raise HelloFault("a field is cut short")
        self._at += size
        return self._data[self._at - size : self._at]

    def number(self, size: int) -> int:
        return int.from_bytes(self.take(size), "big")

    def vector(self, size: int) -> bytes:
        return self.take(self.number(size))


def server_name(data: bytes) -> tuple[bool, str | None]:
    """Whether the ClientHello is whole yet, and the name it carries, if any. Raises HelloFault."""
    hello = _reassemble(data)
    if hello is None:
        return False, None
    return True, _name(_Reader(hello))


def _reassemble(data: bytes) -> bytes | None:
    """The handshake message, which may be spread over several records; None where more bytes are needed."""
    message, at = bytearray(), 0
    while len(data) - at >= _RECORD_HEADER:
        if data[at] != _HANDSHAKE:
            raise HelloFault("not a handshake record")
        size = int.from_bytes(data[at + 3 : at + 5], "big")
        message += data[at + _RECORD_HEADER : at + _RECORD_HEADER + size]
        at += _RECORD_HEADER + size
        if message and message[0] != _CLIENT_HELLO:
            raise HelloFault("not a ClientHello")
        if len(message) >= 4 and len(message) - 4 >= (stated := int.from_bytes(message[1:4], "big")):
            return bytes(message[: 4 + stated])
    if len(data) > LARGEST:
        raise HelloFault("the ClientHello is too long")
    return None


def _name(reader: _Reader) -> str | None:
    reader.take(4 + 2 + 32)
    reader.vector(1)
    reader.vector(2)
    reader.vector(1)
    if not reader.left:
        return None
    extensions = _Reader(reader.vector(2))
    while extensions.left:
        kind, body = extensions.number(2), extensions.vector(2)
        if kind == _SERVER_NAME:
            names = _Reader(_Reader(body).vector(2))
            if names.number(1) != 0:
                raise HelloFault("an unknown kind of server name")
            return names.vector(2).decode("ascii", "replace")
    return None
