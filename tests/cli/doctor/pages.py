"""Programs on ports of this machine that answer as a test wants."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from email.utils import format_datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any


class Pages:
    """A program on a port of this machine that answers with fixed pages."""

    def __init__(self, pages: dict[str, bytes], date: datetime | None = None) -> None:
        outer = self
        self.pages, self.date = pages, date

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                body = outer.pages.get(self.path)
                self.send_response_only(200 if body is not None else 404)
                self.send_header("Date", format_datetime(outer.date or datetime.now(UTC), usegmt=True))
                self.send_header("Content-Length", str(len(body or b"")))
                self.end_headers()
                self.wfile.write(body or b"")

            def log_message(self, *_: object) -> None:
                """Quiet: the tests read stderr."""

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_port}"


@contextmanager
def serving(pages: Pages) -> Iterator[str]:
    thread = threading.Thread(target=pages.server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        yield pages.url
    finally:
        pages.server.shutdown()
        pages.server.server_close()
        thread.join()


def healthy(**more: Any) -> bytes:
    configuration = {"version": 3, "age_seconds": 1}
    return json.dumps({"status": "ok", "configuration": configuration, "problems": []} | more).encode()
