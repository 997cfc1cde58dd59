"""A proxy's session protocol, and nothing else of it, so that its edges can be made to happen."""

from __future__ import annotations

import json
import sys
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from typing import Any, Self

LINE = {
    "token": "tfr_abc.def",
    "run": "run1",
    "agent": "default",
    "gateway": "my-agent",
    "connectors": [{"name": "openai", "type": "openai"}],
    "ca_pem": "-----BEGIN CERTIFICATE-----\nours\n-----END CERTIFICATE-----\n",
}


class _Server(ThreadingHTTPServer):
    def handle_error(self, request: Any, client_address: Any) -> None:
        """A client that hangs up is none; its trace would mix with what the test reads of stderr."""
        if not isinstance(sys.exc_info()[1], ConnectionError):
            super().handle_error(request, client_address)


class FakeProxy:
    """Answers `POST /run` with `line` (or `refusals`, one after another) and holds the session until `cut`."""

    def __init__(self) -> None:
        self.line = json.dumps(LINE).encode() + b"\n"
        self.refusals: list[tuple[int, dict[str, Any]]] = []
        self.counts: dict[str, int] | None = {"allowed": 3, "denied": 1, "held": 0, "limited": 0}
        self.asked: list[dict[str, Any]] = []
        self.authorizations: list[str | None] = []
        self.cut = threading.Event()
        self._server = _Server(("127.0.0.1", 0), self._handler())
        self._server.daemon_threads = True
        self._thread = threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.01})

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._server.server_port}"

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, value: BaseException | None, tb: TracebackType | None) -> None:
        self.cut.set()
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()

    def _handler(self) -> type[BaseHTTPRequestHandler]:
        outer = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self) -> None:
                outer.authorizations.append(self.headers["Proxy-Authorization"])
                outer.asked.append(json.loads(self.rfile.read(int(self.headers["Content-Length"]))))
                if outer.refusals:
                    self._json(*outer.refusals.pop(0))
                    return
                self.send_response(200)
                self.send_header("Transfer-Encoding", "chunked")
                self.end_headers()
                self.wfile.write(b"%x\r\n%s\r\n" % (len(outer.line), outer.line))
                outer.cut.wait(30)
                self.close_connection = True

            def do_GET(self) -> None:
                if outer.counts is None:
                    self._json(500, {})
                else:
                    self._json(200, outer.counts)

            def _json(self, status: int, body: dict[str, Any]) -> None:
                text = json.dumps(body).encode()
                self.send_response(status)
                self.send_header("Content-Length", str(len(text)))
                self.end_headers()
                self.wfile.write(text)

            def log_message(self, *_: object) -> None:
                """Quiet: the tests read stderr."""

        return Handler
