"""A proxy that only knows CONNECT and answers in the upstream's place, so that a client's tunnels can be looked at."""

from __future__ import annotations

import json
import socket
import ssl
import sys
import threading
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from typing import Self

_TLS_HANDSHAKE = b"\x16"


@dataclass
class Tunnel:
    """What was asked for by CONNECT, and the paths of the requests in it."""

    authority: str
    authorization: str | None
    paths: list[str]
    encrypted: bool = False


@dataclass
class Refusal:
    status: int
    body: bytes


class TunnelProxy:
    """Refuses the authorities in `refusals`; notes what comes without any tunnel in `direct`."""

    def __init__(self, context: ssl.SSLContext) -> None:
        self.tunnels: list[Tunnel] = []
        self.direct: list[str] = []
        self.refusals: dict[str, Refusal] = {}
        self._context = context
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), self._handler())
        self._server.daemon_threads = False
        self._server.handle_error = self._broken  # type: ignore[method-assign]
        self.broken: list[str] = []
        self._thread = threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.01})

    @property
    def port(self) -> int:
        return self._server.server_port

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, value: BaseException | None, tb: TracebackType | None) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()

    def _broken(self, request: object, address: object) -> None:
        """A connection that the client cut."""
        self.broken.append(repr(sys.exception()))

    def _handler(self) -> type[BaseHTTPRequestHandler]:
        outer = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"
            tunnel: Tunnel | None = None

            def do_CONNECT(self) -> None:
                refusal = outer.refusals.get(self.path)
                if refusal:
                    self._answer(refusal.status, refusal.body)
                    self.close_connection = True
                    return
                self.tunnel = Tunnel(self.path, self.headers["Proxy-Authorization"], [])
                outer.tunnels.append(self.tunnel)
                self.wfile.write(b"HTTP/1.1 200 Connection established\r\n\r\n")
                self.close_connection = False
                if self.connection.recv(1, socket.MSG_PEEK) == _TLS_HANDSHAKE:
                    self.tunnel.encrypted = True
                    self.connection = outer._context.wrap_socket(self.connection, server_side=True)
                    self.rfile, self.wfile = self.connection.makefile("rb"), self.connection.makefile("wb", 0)

            def do_GET(self) -> None:
                (self.tunnel.paths if self.tunnel else outer.direct).append(self.path)
                self._answer(200, json.dumps({"path": self.path}).encode())

            def _answer(self, status: int, body: bytes) -> None:
                self.send_response(status)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def finish(self) -> None:
                super().finish()
                self.connection.close()

            def log_message(self, *_: object) -> None:
                """Quiet: the tests read stderr."""

        return Handler
