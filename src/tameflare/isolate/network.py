"""The network inside: a loopback interface, and on it the listening sockets that are handed to the parent."""

from __future__ import annotations

import fcntl
import socket
import struct
from collections.abc import Iterable
from typing import Final

_SIOCGIFFLAGS, _SIOCSIFFLAGS, _SIOCSIFADDR = 0x8913, 0x8914, 0x8916
_IFF_UP: Final = 1
_BACKLOG: Final = 1024


def raise_loopback() -> None:
    """Set `lo` up; the kernel gives it 127.0.0.1 and ::1."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as handle:
        request = struct.pack("16sh14x", b"lo", 0)
        flags = struct.unpack("16sh14x", fcntl.ioctl(handle, _SIOCGIFFLAGS, request))[1]
        fcntl.ioctl(handle, _SIOCSIFFLAGS, struct.pack("16sh14x", b"lo", flags | _IFF_UP))


def add_addresses(addresses: Iterable[str]) -> None:
    """Give `lo` IPv4 addresses beside 127.0.0.0/8: that of a proxy whose certificate is for it."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as handle:
        for number, address in enumerate(sorted(set(addresses))):
            if not address.startswith("127.") and ":" not in address:
                name = f"lo:{number + 1}".encode()
                place = struct.pack("HH4s8x", socket.AF_INET, 0, socket.inet_aton(address))
                fcntl.ioctl(handle, _SIOCSIFADDR, struct.pack("16s16s", name, place))


def listeners(addresses: Iterable[tuple[str, int]]) -> list[socket.socket]:
    return [_listener(host, port) for host, port in addresses]


def _listener(host: str, port: int) -> socket.socket:
    """No SO_REUSEPORT: no other socket can be bound beside it."""
    listener = socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET, socket.SOCK_STREAM)
    listener.bind((host, port))
    listener.listen(_BACKLOG)
    return listener
