"""Where agents come in: the listener on this machine, and the one in TLS for others."""

from __future__ import annotations

import asyncio
import socket
import sys
import time
from typing import Final

import structlog

from tameflare.listening import BACKLOG
from tameflare.proxy.context import Context
from tameflare.proxy.door import Door
from tameflare.proxy.listener_tls import ListenerTls
from tameflare.proxy.server import ClientConnection

log = structlog.get_logger(__name__)

_SILENT_SECONDS: Final = 15
_BETWEEN_PROBES: Final = 5
_PROBES: Final = 3
_QUIET_SECONDS: Final = 60.0


class Front:
    """`secured` is a listener for TLS alone; without it the one there is speaks TLS where there is a certificate."""

    def __init__(self, listener: socket.socket, secured: socket.socket | None, tls: ListenerTls | None) -> None:
        self._plain = listener if secured is not None or tls is None else None
        self._secured = secured if secured is not None else listener if tls is not None else None
        self._tls = tls
        self._servers: list[asyncio.Server] = []
        self._tell_again = 0.0
        self.failed = 0

    async def open(self, context: Context, version: int) -> None:
        """Accept connections; `version` is what is served, for the log."""
        loop = asyncio.get_running_loop()
        if self._secured is not None:
            notice_vanished_peers(self._secured)
            server = await loop.create_server(lambda: self._door(context), sock=self._secured, backlog=BACKLOG)
            self._servers.append(server)
            _tell(self._secured, version, tls=True)
        if self._plain is not None:
            server = await loop.create_server(lambda: ClientConnection(context), sock=self._plain, backlog=BACKLOG)
            self._servers.append(server)
            _tell(self._plain, version, tls=False)

    def _door(self, context: Context) -> Door:
        assert self._tls is not None
        return Door(self._tls.context, ClientConnection(context), self._count_failure)

    def _count_failure(self, peer: str, plain: bool) -> None:
        """Plain HTTP is worth a line, but strangers shall not fill the log with it."""
        self.failed += 1
        now = time.monotonic()
        if plain and now >= self._tell_again:
            self._tell_again = now + _QUIET_SECONDS
            log.warning("plain HTTP on the TLS port: a token in it was readable on its way", peer=peer)

    def close(self) -> None:
        for server in self._servers:
            server.close()

    @property
    def problem(self) -> str:
        return self._tls.problem if self._tls is not None else ""

    async def look(self) -> None:
        """See whether another certificate is to be shown; files are read off the loop."""
        if self._tls is not None:
            await asyncio.to_thread(self._tls.look)

    def names(self, host: str) -> bool:
        return self._tls is not None and self._tls.names(host)


class FrontHosts:
    """By which hosts the proxy's own pages are asked for: where it listens, and what its certificate names."""

    def __init__(self, address: str, front: Front) -> None:
        self._address = address
        self._front = front

    def __contains__(self, host: str) -> bool:
        return host == self._address or self._front.names(host)


def notice_vanished_peers(listener: socket.socket) -> None:
    """Connections of a machine that is gone without a word end within half a minute, and with them its runs.

    What is accepted inherits it from the listener on Linux.
    """
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
    if sys.platform.startswith("linux"):
        listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPIDLE, _SILENT_SECONDS)
        listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPINTVL, _BETWEEN_PROBES)
        listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPCNT, _PROBES)


def _tell(listener: socket.socket, version: int, *, tls: bool) -> None:
    host, port = listener.getsockname()[:2]
    log.info("proxy listens", host=host, port=port, tls=tls, version=version)
