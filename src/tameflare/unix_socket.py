"""Unix sockets that a user keeps for himself: closed to others, found under long paths, and who is at their end."""

from __future__ import annotations

import contextlib
import os
import socket
import struct
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Final, NamedTuple

from tameflare.process import StartFault

_LONGEST_PATH: Final = 100
_CREDENTIALS: Final = struct.Struct("3i")


class Peer(NamedTuple):
    """The process at the other end, as the kernel says: when it connected, whoever has the connection now."""

    pid: int
    uid: int


def listen_privately(path: Path) -> socket.socket:
    """A listening socket at `path`, mode 0600 before anybody can connect; a left-over one is replaced.

    Raises StartFault where it cannot be had.
    """
    listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    try:
        path.unlink(missing_ok=True)
        with short_path(path) as short:
            listener.bind(short)
        path.chmod(0o600)
        listener.listen()
    except OSError as fault:
        listener.close()
        raise StartFault(f"cannot listen on `{path}`: {fault}", "set TF_DATA_DIR to another place") from None
    listener.setblocking(False)
    return listener


@contextlib.contextmanager
def short_path(path: Path) -> Iterator[str]:
    """A name for `path` that fits into a socket address, which holds about a hundred bytes. Raises OSError."""
    if len(os.fsencode(path)) <= _LONGEST_PATH or not sys.platform.startswith("linux"):
        yield str(path)
        return
    folder = os.open(path.parent, os.O_PATH | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        yield f"/proc/self/fd/{folder}/{path.name}"
    finally:
        os.close(folder)


def peer_of(connection: socket.socket) -> Peer | None:
    """Who is at the other end; None where the system does not tell."""
    if not sys.platform.startswith("linux"):
        return None
    pid, uid, _ = _CREDENTIALS.unpack(connection.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, _CREDENTIALS.size))
    return Peer(pid, uid)
