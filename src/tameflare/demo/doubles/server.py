"""The doubles' server: one listener with TLS on loopback, which tells vendors apart by the Host header."""

from __future__ import annotations

import socket
import threading
from collections.abc import Awaitable, Callable, Iterable, Mapping
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import uvicorn

from tameflare.core.errors import TameFlareError
from tameflare.demo.doubles.ledger import Ledger
from tameflare.demo.doubles.web import Answer, Request, Vendor

Scope = Mapping[str, Any]
Receive = Callable[[], Awaitable[Mapping[str, Any]]]
Send = Callable[[Mapping[str, Any]], Awaitable[None]]

START_TIMEOUT = 20.0


async def _read_request(scope: Scope, receive: Receive) -> Request:
    headers = {name.decode("latin-1"): value.decode("latin-1") for name, value in scope["headers"]}
    pieces = []
    more = True
    while more:
        message = await receive()
        pieces.append(message.get("body", b""))
        more = message.get("more_body", False)
    return Request(
        scope["method"],
        headers.get("host", "").partition(":")[0].lower(),
        scope["path"],
        scope["query_string"].decode("latin-1"),
        headers,
        b"".join(pieces),
    )


async def _write_answer(answer: Answer, send: Send) -> None:
    headers = [(name.lower().encode("latin-1"), value.encode("latin-1")) for name, value in answer.headers]
    if answer.stream is None and answer.status not in (204, 304):
        headers.append((b"content-length", str(len(answer.body)).encode()))
    await send({"type": "http.response.start", "status": answer.status, "headers": headers})
    if answer.stream is not None:
        async for piece in answer.stream:
            await send({"type": "http.response.body", "body": piece, "more_body": True})
    await send({"type": "http.response.body", "body": answer.body if answer.stream is None else b""})


class Doubles:
    """A running server for several vendors; a context manager that starts and stops it in a thread of its own."""

    def __init__(self, vendors: Iterable[Vendor], certificate: Path, key: Path) -> None:
        """`certificate` is a PEM chain for every host of the vendors, `key` its private key."""
        self._by_host = {host: vendor for vendor in vendors for host in vendor.hosts}
        self.ledger = Ledger()
        self._socket = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._socket.getsockname()[1]
        self._server = uvicorn.Server(
            uvicorn.Config(
                self._serve,
                ssl_certfile=certificate,
                ssl_keyfile=str(key),
                log_level="critical",
                access_log=False,
                interface="asgi3",
                lifespan="off",
                timeout_graceful_shutdown=2,
            )
        )
        self._thread = threading.Thread(target=self._server.run, args=([self._socket],), name="doubles", daemon=True)

    @property
    def pins(self) -> str:
        """The value of TF_RESOLVE that leads every host of the vendors here."""
        return ",".join(f"{host}:443:127.0.0.1:{self.port}" for host in self._by_host)

    async def _serve(self, scope: Scope, receive: Receive, send: Send) -> None:
        request = await _read_request(scope, receive)
        vendor = self._by_host.get(request.host)
        self.ledger.write(request, vendor is not None and vendor.authorised(request))
        await _write_answer(await vendor.answer(request) if vendor else Answer(421, b"no such host here\n"), send)

    def __enter__(self) -> Self:
        self._thread.start()
        clock = threading.Event()
        for _ in range(int(START_TIMEOUT / 0.02)):
            if self._server.started or not self._thread.is_alive():
                break
            clock.wait(0.02)
        if not self._server.started:
            raise TameFlareError("the doubles of the vendors did not start")
        return self

    def __exit__(
        self, kind: type[BaseException] | None, fault: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._server.should_exit = True
        self._thread.join(START_TIMEOUT)
        self._socket.close()
