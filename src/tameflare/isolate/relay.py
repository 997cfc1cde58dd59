"""Carries bytes between the listening socket inside and the proxy outside, and nowhere else.

One thread, level-triggered epoll, no look at the content. A side that does not read stops the other: at most one chunk
is kept per direction. The end of one direction is passed on and leaves the other open.
"""

from __future__ import annotations

import errno
import select
import socket
import struct
import threading
from typing import Any, Final

from tameflare.isolate.ends import End

CHUNK: Final = 256 * 1024
_IN, _OUT = select.EPOLLIN, select.EPOLLOUT
_ABORT: Final = struct.pack("ii", 1, 0)
_AT_ONCE: Final = 64
_FULL_SECONDS: Final = 0.1
Address = tuple[Any, ...]


class Relay:
    """`address` is the proxy's, as connect(2) takes it. Owns `listener`; `limit` bounds the pairs that are open."""

    def __init__(self, listener: socket.socket, family: int, address: Address, limit: int) -> None:
        self._listener, self._family, self._address, self._limit = listener, family, address, limit
        self._poll = select.epoll()
        self._ends: dict[int, End] = {}
        self._gone: list[End] = []
        self._scratch = bytearray(CHUNK)
        self._wake = socket.socketpair()
        self._accepting = False

    def serve(self) -> None:
        """Work in a thread from now on."""
        self._listener.setblocking(False)
        self._poll.register(self._wake[0].fileno(), _IN)
        self._set_accepting(True)
        threading.Thread(target=self._run, name="relay", daemon=True).start()

    def close(self) -> None:
        self._wake[1].close()

    def _run(self) -> None:
        while True:
            full = not self._accepting and len(self._ends) < 2 * self._limit
            for handle, events in self._poll.poll(_FULL_SECONDS if full else None):
                if handle == self._wake[0].fileno():
                    return self._end()
                if handle == self._listener.fileno():
                    self._accept()
                elif handle in self._ends:
                    self._serve(self._ends[handle], events)
            self._bury()
            self._set_accepting(full or self._accepting)

    def _end(self) -> None:
        self._gone += self._ends.values()
        for end in self._gone:
            end.socket.close()
        self._listener.close()
        self._poll.close()
        self._wake[0].close()

    def _bury(self) -> None:
        """Close what was dropped in this turn; not before its end, or a number could stand for two sockets in it."""
        if not self._gone:
            return
        for end in self._gone:
            end.socket.close()
        self._gone.clear()
        self._set_accepting(len(self._ends) < 2 * self._limit)

    # --- new pairs

    def _set_accepting(self, wanted: bool) -> None:
        if wanted and not self._accepting:
            self._poll.register(self._listener.fileno(), _IN)
        elif self._accepting and not wanted:
            self._poll.unregister(self._listener.fileno())
        self._accepting = wanted

    def _accept(self) -> None:
        """Take what waits, within the limit; without a free descriptor the rest waits for a while."""
        for _ in range(_AT_ONCE):
            try:
                inner, _ = self._listener.accept()
            except BlockingIOError:
                return
            except OSError as fault:
                self._set_accepting(fault.errno not in (errno.EMFILE, errno.ENFILE))
                return
            self._pair(inner)
            if len(self._ends) >= 2 * self._limit:
                self._set_accepting(False)
                return

    def _pair(self, inner: socket.socket) -> None:
        try:
            outer = socket.socket(self._family, socket.SOCK_STREAM)
        except OSError:
            inner.close()
            return
        self._join(End(inner), End(outer))

    def _join(self, inner: End, outer: End) -> None:
        inner.peer, outer.peer = outer, inner
        for end in (inner, outer):
            end.socket.setblocking(False)
            end.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            self._ends[end.socket.fileno()] = end
        outer.connecting = True
        if outer.socket.connect_ex(self._address) in (0, errno.EINPROGRESS):
            self._watch(outer)
        else:
            self._abort(outer)

    # --- bytes

    def _serve(self, end: End, events: int) -> None:
        try:
            if end.connecting:
                self._connected(end)
            elif events & _OUT:
                end.flush()
            if events & ~_OUT and end.reading:
                end.carry(self._scratch)
        except (BlockingIOError, InterruptedError):
            self._watch(end)  # not ready after all; epoll will tell again
        except OSError:
            self._abort(end)
        else:
            self._settle(end)

    def _connected(self, end: End) -> None:
        fault = end.socket.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR)
        if fault:
            raise OSError(fault, "connect")
        end.connecting = False

    def _settle(self, end: End) -> None:
        if end.over and end.peer.over:
            self._drop(end)
        else:
            self._watch(end)
            self._watch(end.peer)

    def _watch(self, end: End) -> None:
        """Ask epoll for what is wanted of the socket now. Where that is nothing, leave it out: a hang-up would spin."""
        wanted, handle = end.wanted, end.socket.fileno()
        if wanted == end.watched:
            return
        if not wanted:
            self._poll.unregister(handle)
        elif not end.watched:
            self._poll.register(handle, wanted)
        else:
            self._poll.modify(handle, wanted)
        end.watched = wanted

    def _abort(self, end: End) -> None:
        """A fault on one side is a reset on the other."""
        for side in (end, end.peer):
            side.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _ABORT)
        self._drop(end)

    def _drop(self, end: End) -> None:
        for side in (end, end.peer):
            del self._ends[side.socket.fileno()]
            if side.watched:
                self._poll.unregister(side.socket.fileno())
                side.watched = 0
            self._gone.append(side)
