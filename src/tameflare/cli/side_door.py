"""A listener of one run for programs that cannot sign in to a proxy: it adds the run's token and carries the rest.

Its port is as good as the token, and a port cannot be kept secret. So it takes only connections of processes of the
same user, who could read the token in the environment of the run's command as well.
"""

from __future__ import annotations

import contextlib
import select
import socket
import threading
from base64 import b64encode
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import unquote, urlsplit

from tameflare.cli import socket_owner
from tameflare.core.errors import TameFlareError

if TYPE_CHECKING:
    import asyncio

_LONGEST_HEAD: Final = 64 << 10
_PIECE: Final = 64 << 10
_MOST_CONNECTIONS: Final = 1024
_OTHER_DESCRIPTORS: Final = 64
_FULL_SECONDS: Final = 0.1
_HEAD_SECONDS: Final = 30.0
_CONNECT_SECONDS: Final = 10.0
_END: Final = b"\r\n\r\n"
_DROPPED: Final = (b"proxy-authorization", b"proxy-connection", b"connection")
_FOREIGN: Final = b"this proxy is for the user who started `tf run`, and for nobody else"
_NO_PROXY_REQUEST: Final = b"this is a proxy, not a server"
_GONE: Final = b"TameFlare: the proxy cannot be reached; it was started by `tf up` or `tf proxy`"


class SideDoor:
    """Listens on 127.0.0.1 from the beginning; connections wait until `serve` is called.

    `proxy_url` holds the agent and the run's token. `user` is the id of the only user who may connect; None: whoever
    reaches the listener, which is right only where nobody but the command can. `authorities` (PEM): for TLS to it.
    """

    def __init__(self, listener: socket.socket, proxy_url: str, user: int | None, authorities: str = "") -> None:
        self._listener = listener
        self._proxy = urlsplit(proxy_url)
        self._user = user
        self._authorities = authorities
        self._authorization = _basic(self._proxy.username or "", self._proxy.password or "")
        self._ended, self._end = socket.socketpair()
        self.port: int = listener.getsockname()[1]

    def serve(self) -> None:
        """Serve from a thread of its own. Nothing is loaded before the first connection comes."""
        threading.Thread(target=self._wait, name="side door", daemon=True).start()

    def close(self) -> None:
        self._end.close()

    def _wait(self) -> None:
        readable, _, _ = select.select([self._listener, self._ended], [], [])
        if self._ended not in readable:
            import asyncio

            asyncio.run(self._serve())
        self._listener.close()
        self._ended.close()

    async def _serve(self) -> None:
        import asyncio

        loop, ended = asyncio.get_running_loop(), asyncio.Event()
        loop.set_exception_handler(_no_traceback)
        loop.add_reader(self._ended, ended.set)
        accepting = loop.create_task(self._accept(loop))
        await ended.wait()
        accepting.cancel()
        loop.remove_reader(self._ended)

    async def _accept(self, loop: asyncio.AbstractEventLoop) -> None:
        """Take connections within the limit; beyond it they wait in the kernel's queue."""
        import asyncio

        self._listener.setblocking(False)
        places, open_ = asyncio.Semaphore(_limit()), set[asyncio.Task[None]]()
        while True:
            await places.acquire()
            task = loop.create_task(self._connected(await self._next(loop)))
            open_.add(task)
            task.add_done_callback(open_.discard)
            task.add_done_callback(lambda _: places.release())

    async def _next(self, loop: asyncio.AbstractEventLoop) -> socket.socket:
        """The next connection of ours. Anybody else's is closed at once: it must cost the run nothing."""
        import asyncio

        while True:
            try:
                connection, _ = await loop.sock_accept(self._listener)
            except OSError:
                await asyncio.sleep(_FULL_SECONDS)  # no descriptor is free; the connection waits
                continue
            if self._is_ours(connection):
                return connection
            _turn_away(connection)

    def _is_ours(self, connection: socket.socket) -> bool:
        try:
            return self._user is None or socket_owner.peer(connection) == self._user
        except OSError:
            return False  # its peer is gone already

    # --- one connection

    async def _connected(self, connection: socket.socket) -> None:
        import asyncio

        try:
            reader, writer = await asyncio.open_connection(sock=connection, limit=_LONGEST_HEAD)
        except OSError:
            connection.close()
            return
        try:
            await self._answer(reader, writer)
        except (OSError, asyncio.CancelledError):
            writer.transport.abort()  # an end is gone, or the run; the other is told by the end of its connection
        finally:
            writer.close()

    async def _answer(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        import asyncio

        try:
            head = await asyncio.wait_for(reader.readuntil(_END), _HEAD_SECONDS)
        except (asyncio.IncompleteReadError, asyncio.LimitOverrunError, TimeoutError):
            return
        if asks_a_proxy(head):
            await self._carry(head, reader, writer)
        else:
            writer.write(_answer(b"400 Bad Request", _NO_PROXY_REQUEST))

    async def _carry(self, head: bytes, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        import asyncio

        try:
            inward, outward = await asyncio.wait_for(self._dial(), _CONNECT_SECONDS)
        except (OSError, TameFlareError):
            writer.write(_answer(b"502 Bad Gateway", _GONE))
            return
        try:
            outward.write(signed(head, self._authorization))
            await asyncio.gather(_pump(reader, outward), _pump(inward, writer))
        finally:
            outward.close()

    async def _dial(self) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        import asyncio

        from tameflare.cli import outer_tls

        secure = self._proxy.scheme == "https"
        port = self._proxy.port or (443 if secure else 80)
        context = outer_tls.context(self._authorities) if secure else None
        return await asyncio.open_connection(self._proxy.hostname, port, ssl=context)


def listen() -> socket.socket:
    """A listener on a free port of loopback."""
    return socket.create_server(("127.0.0.1", 0))


def asks_a_proxy(head: bytes) -> bool:
    """Whether this is how a proxy is asked (RFC 9112, section 3.2).

    A web page that the user looks at can have the browser ask a server at this port; it must not come to the proxy's
    own pages with the run's token.
    """
    method, _, rest = head.partition(b" ")
    return method.upper() == b"CONNECT" or rest[:7].lower() == b"http://"


def signed(head: bytes, authorization: bytes) -> bytes:
    """The head with the run's credential in place of any that is there.

    The proxy is asked to close after a request that opens no tunnel: only the first head of a connection is changed.
    """
    first, *lines = head[: -len(_END)].split(b"\r\n")
    kept = [line for line in lines if line.partition(b":")[0].strip().lower() not in _DROPPED]
    closing = [] if first.upper().startswith(b"CONNECT ") else [b"Connection: close"]
    return b"\r\n".join((first, *kept, *closing, b"Proxy-Authorization: " + authorization)) + _END


def _limit() -> int:
    """How many connections are carried at a time: each takes two descriptors, and `tf` needs some for itself."""
    import resource

    allowed, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    if allowed == resource.RLIM_INFINITY:
        return _MOST_CONNECTIONS
    return max(1, min(_MOST_CONNECTIONS, (allowed - _OTHER_DESCRIPTORS) // 2))


def _turn_away(connection: socket.socket) -> None:
    """Answer and close without waiting for a request."""
    with connection, contextlib.suppress(OSError):
        connection.setblocking(False)
        connection.send(_answer(b"403 Forbidden", _FOREIGN))
        connection.shutdown(socket.SHUT_WR)
        connection.recv(_LONGEST_HEAD)  # what is left unread makes of the end a reset, which can overtake the answer


def _no_traceback(_loop: asyncio.AbstractEventLoop, context: dict[str, Any]) -> None:
    """The terminal is the command's: what goes wrong with a connection is for a log of this process at most."""
    import logging

    logging.getLogger(__name__).debug("%s: %r", context.get("message"), context.get("exception"))


def _basic(user: str, password: str) -> bytes:
    return b"Basic " + b64encode(f"{unquote(user)}:{unquote(password)}".encode())


def _answer(status: bytes, sentence: bytes) -> bytes:
    body = sentence + b"\n"
    return b"HTTP/1.1 %b\r\nContent-Type: text/plain\r\nContent-Length: %d\r\nConnection: close\r\n\r\n%b" % (
        status,
        len(body),
        body,
    )


async def _pump(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Carry one direction to its end, which the other side is told where its kind of connection has a way to say so."""
    while piece := await reader.read(_PIECE):
        writer.write(piece)
        await writer.drain()
    if writer.can_write_eof():
        writer.write_eof()
    else:
        writer.close()
