"""uvicorn as upstream, with h11 or httptools as its reader: what each made of the requests is written down."""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

import trustme
import uvicorn
from tests.resistance.smuggling.understood import Understood
from tests.support.waiting import wait_for


@dataclass
class Application:
    """Answers everything with 200 once the body is whole."""

    port: int = 0
    found: list[Understood] = field(default_factory=list)

    def understood(self) -> list[Understood]:
        return self.found.copy()

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        assert scope["type"] == "http"
        query = scope["query_string"].decode("latin-1")
        target = scope["raw_path"].decode("latin-1") + (f"?{query}" if query else "")
        body, more = b"", True
        while more:
            event = await receive()
            if event["type"] == "http.disconnect":
                return
            body, more = body + event.get("body", b""), event.get("more_body", False)
        self.found.append(Understood(scope["method"], target, body.decode("latin-1")))
        headers = [(b"content-length", b"10")]
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        await send({"type": "http.response.body", "body": b"" if scope["method"] == "HEAD" else b"understood"})


@contextlib.contextmanager
def running(
    directory: Path, certificate: trustme.LeafCert, reader: Literal["h11", "httptools"]
) -> Iterator[Application]:
    key, chain = directory / f"{reader}.key", directory / f"{reader}.pem"
    certificate.private_key_pem.write_to_path(str(key))
    chain.write_bytes(b"".join(pem.bytes() for pem in certificate.cert_chain_pems))
    application = Application()
    options = {"host": "127.0.0.1", "port": 0, "http": reader, "lifespan": "off", "log_level": "error", "ws": "none"}
    server = uvicorn.Server(uvicorn.Config(application, ssl_keyfile=str(key), ssl_certfile=str(chain), **options))
    thread = threading.Thread(target=server.run)
    thread.start()
    try:
        wait_for(lambda: server.started, "uvicorn listens")
        application.port = server.servers[0].sockets[0].getsockname()[1]
        yield application
    finally:
        server.should_exit = True
        thread.join(20)
