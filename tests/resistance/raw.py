"""Saying exactly what a test wants, and seeing what came of it."""

from __future__ import annotations

import contextlib
import ssl

from tests.support.plane import HOST, Plane, Reply, Wire
from tests.support.upstream import Upstream
from tests.support.waiting import wait_for

from tameflare.wire.target import normalise_path


def exchanged(wire: Wire, data: bytes) -> bytes:
    """Send, and give back everything until the proxy closes."""
    with contextlib.suppress(ConnectionError, ssl.SSLError):
        wire.send(data)
    return wire.rest()


def statuses(answers: bytes) -> list[int]:
    """The status of every answer in a stream whose bodies do not look like status lines."""
    return [int(line.split(b" ")[1]) for line in answers.split(b"\r\n") if line.startswith(b"HTTP/1.1 ")]


def last(path: str, extra: bytes = b"", host: str = HOST) -> bytes:
    """A request after which the proxy closes."""
    return f"GET {path} HTTP/1.1\r\nHost: {host}\r\n".encode() + extra + b"Connection: close\r\n\r\n"


def paths(upstream: Upstream) -> list[str]:
    """What was asked for, as the upstream saw it."""
    return [head.split(b" ")[1].decode() for head in upstream.seen]


def allowed_paths(proxy: Plane, prefix: str) -> list[str]:
    """Paths below a prefix on record as let through, in order."""
    found = [entry for entry in proxy.intents() if entry.verdict == "allow" and entry.path.startswith(prefix)]
    return [entry.path for entry in found]


def serves(proxy: Plane, upstream: Upstream, path: str = "/still-there") -> Reply:
    """A request over a new tunnel, as a proof that others are not touched; its answer."""
    reply = proxy.tunnel().get(path)
    assert reply.status == 200
    assert paths(upstream)[-1] == normalise_path(path)
    return reply


def deserted(proxy: Plane) -> None:
    """Wait until the proxy has no connection but the one that asks."""
    wait_for(lambda: proxy.health()["connections"] <= 1, "the proxy has let go of every connection")
