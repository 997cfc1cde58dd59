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
    return HelloReader().feed(data)


class HelloReader:
    """Puts a ClientHello together as it arrives, however small its records and pieces are: each byte is read once."""

    def __init__(self) -> None:
        self._message = bytearray()
        self._held = b""
        self._left = 0
        self._size = 0

    def feed(self, data: bytes) -> tuple[bool, str | None]:
        """What `server_name` says of all that came so far. Not to be called again once it is whole."""
        self._size += len(data)
        if self._take(self._held + data):
            stated = int.from_bytes(self._message[1:4], "big")
            return True, _name(_Reader(bytes(self._message[: 4 + stated])))
        if self._size > LARGEST:
            raise HelloFault("the ClientHello is too long")
        return False, None

    def _take(self, data: bytes) -> bool:
        """Move what records hold into the message; whether that is whole."""
        at = 0
        while at < len(data) and (self._left or len(data) - at >= _RECORD_HEADER):
            if self._left:
                piece = data[at : at + self._left]
                self._message += piece
                self._left -= len(piece)
                at += len(piece)
                if self._is_whole():
                    return True
            else:
                if data[at] != _HANDSHAKE:
                    raise HelloFault("not a handshake record")
                self._left = int.from_bytes(data[at + 3 : at + 5], "big")
                at += _RECORD_HEADER
        self._held = data[at:]
        return False

    def _is_whole(self) -> bool:
        message = self._message
        if message[0] != _CLIENT_HELLO:
            raise HelloFault("not a ClientHello")
        return len(message) >= 4 and len(message) - 4 >= int.from_bytes(message[1:4], "big")


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
