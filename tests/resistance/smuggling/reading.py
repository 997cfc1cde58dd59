"""How two independent clients understand an answer: h11, and Python's own http.client."""

from __future__ import annotations

import http.client
import io
from dataclasses import dataclass
from typing import Any

import h11


@dataclass(frozen=True)
class Answer:
    """`whole` is False where the reader saw that it is cut short. `fields` without those of the hop and the proxy's."""

    status: int
    body: bytes
    whole: bool
    fields: frozenset[tuple[str, str]]


_HOP = {"connection", "content-length", "transfer-encoding", "keep-alive", "te", "trailer", "upgrade", "alt-svc"}


def _fields(pairs: Any) -> frozenset[tuple[str, str]]:
    lower = [(str(name).lower().replace("_", "-"), str(value).strip()) for name, value in pairs]
    return frozenset((name, value) for name, value in lower if name not in _HOP and not name.startswith("x-tameflare-"))


def by_h11(data: bytes, method: str = "GET") -> Answer | None:
    """None where h11 does not take it for an answer at all."""
    client = h11.Connection(h11.CLIENT)
    client.send(h11.Request(method=method, target="/", headers=[("Host", "a")]))
    client.send(h11.EndOfMessage())
    client.receive_data(data)
    client.receive_data(b"")
    head: h11.Response | None = None
    body, whole = b"", False
    try:
        while not whole:
            event = client.next_event()
            if isinstance(event, h11.Response):
                head = event
            elif isinstance(event, h11.Data):
                body += bytes(event.data)
            elif isinstance(event, h11.EndOfMessage):
                whole = True
            elif not isinstance(event, h11.InformationalResponse):
                break
    except h11.RemoteProtocolError:
        whole = False
    if head is None:
        return None
    pairs = [(name.decode("latin-1"), value.decode("latin-1")) for name, value in head.headers]
    return Answer(head.status_code, body, whole, _fields(pairs))


class _Stream:
    def __init__(self, data: bytes) -> None:
        self._data = data

    def makefile(self, _mode: str) -> io.BytesIO:
        return io.BytesIO(self._data)


def by_http_client(data: bytes, method: str = "GET") -> Answer | None:
    """None where http.client does not take it for an answer at all."""
    response = http.client.HTTPResponse(_Stream(data), method=method)  # type: ignore[arg-type]
    try:
        response.begin()
    except (http.client.HTTPException, ValueError):
        return None
    try:
        body, whole = response.read(), True
    except http.client.IncompleteRead as fault:
        body, whole = fault.partial, False
    except (http.client.HTTPException, ValueError):
        body, whole = b"", False
    return Answer(response.status, body, whole, _fields(response.getheaders()))
