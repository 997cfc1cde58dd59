"""Whose process has a socket of this machine, from the kernel's tables (proc(5), `net/tcp`)."""

from __future__ import annotations

import socket
import struct
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Final

_TABLES: Final = (Path("/proc/net/tcp"), Path("/proc/net/tcp6"))
_AS_IPV6: Final = "0000000000000000FFFF0000"
_ESTABLISHED: Final = "01"
_LISTENING: Final = "0A"
_LOCAL, _REMOTE, _STATE, _USER = 1, 2, 3, 7


def can_tell() -> bool:
    """Whether this system has the tables."""
    return _TABLES[0].is_file()


def peer(connection: socket.socket) -> int | None:
    """The user id of the peer of an accepted IPv4 connection; None where the peer has closed it, even in part.

    (Of a connection that its process has closed the tables say 0, as if it were root's.)
    """
    wanted = _written(connection.getpeername()), _written(connection.getsockname()), _ESTABLISHED
    for entry in _entries():
        if (_bare(entry[_LOCAL]), _bare(entry[_REMOTE]), entry[_STATE]) == wanted:
            return int(entry[_USER])
    return None


def listener(port: int, tables: Sequence[Path] = _TABLES) -> int | None:
    """The user id of whoever listens on that port of this machine, at any address; None where nobody does."""
    for entry in _entries(tables):
        if entry[_STATE] == _LISTENING and int(entry[_LOCAL].rpartition(":")[2], 16) == port:
            return int(entry[_USER])
    return None


def _entries(tables: Sequence[Path] = _TABLES) -> Iterator[list[str]]:
    for table in tables:
        try:
            lines = table.read_text().splitlines()[1:]
        except OSError:
            continue  # a kernel without IPv6 has one table
        yield from map(str.split, lines)


def _written(address: tuple[str, int]) -> str:
    """An address as the tables write it: a number of this machine's byte order, and the port."""
    host, port = address
    (number,) = struct.unpack("=I", socket.inet_aton(host))
    return f"{number:08X}:{port:04X}"


def _bare(written: str) -> str:
    """An IPv4 address of a socket for both kinds without what makes it an IPv6 one (RFC 4291, section 2.5.5.2)."""
    return written.removeprefix(_AS_IPV6)
