"""One socket of a relayed pair."""

from __future__ import annotations

import select
import socket


class End:
    """`pending` came from it and waits for the peer. `ended`: it has said its last byte; `over`: that was passed on."""

    peer: End

    def __init__(self, handle: socket.socket) -> None:
        self.socket = handle
        self.pending = memoryview(b"")
        self.ended = self.over = self.connecting = False
        self.watched = 0

    @property
    def reading(self) -> bool:
        return not self.ended and not self.pending and not self.peer.connecting

    @property
    def wanted(self) -> int:
        writing = self.connecting or bool(self.peer.pending)
        return (select.EPOLLOUT if writing else 0) | (select.EPOLLIN if self.reading and not self.connecting else 0)

    def carry(self, scratch: bytearray) -> None:
        """Read once and write what the peer takes; raises OSError."""
        count = self.socket.recv_into(scratch)
        if count == 0:
            self.ended = True
            self.peer.flush()
            return
        with memoryview(scratch) as view:
            sent = _send(self.peer.socket, view[:count])
            if sent < count:
                self.pending = memoryview(bytes(view[sent:count]))

    def flush(self) -> None:
        """Write what has come from the peer; then its end, if it has ended."""
        source = self.peer
        if source.pending:
            source.pending = source.pending[_send(self.socket, source.pending) :]
        if source.ended and not source.pending and not source.over:
            source.over = True
            self.socket.shutdown(socket.SHUT_WR)


def _send(handle: socket.socket, data: memoryview) -> int:
    try:
        return handle.send(data)
    except (BlockingIOError, InterruptedError):
        return 0
