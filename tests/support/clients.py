"""What tests of the proxy do with a connection beside asking for a page."""

from __future__ import annotations

import re
import ssl
import threading
from collections.abc import Iterator
from pathlib import Path

from tests.support.plane import HOST, Plane, Reply, Wire
from tests.support.upstream import Talk
from tests.support.waiting import wait_for

from tameflare.link.messages import Intent, Outcome
from tameflare.wire.tls import TlsShell

STALLED_SECONDS = 0.3
PIECE = bytes(64 * 1024)


def request(method: str = "GET", path: str = "/", extra: bytes = b"", host: str = HOST, version: str = "1.1") -> bytes:
    """A head; a POST that says nothing of its body is bytes, which no connector reads."""
    kind = (
        b"Content-Type: application/octet-stream\r\n"
        if method == "POST" and b"content-type" not in extra.lower()
        else b""
    )
    return f"{method} {path} HTTP/{version}\r\nHost: {host}\r\n".encode() + kind + extra + b"\r\n"


def post(wire: Wire, body: bytes, extra: bytes = b"", path: str = "/", method: str = "POST", host: str = HOST) -> Reply:
    """A request with a body of stated length, and its answer."""
    wire.send(request(method, path, b"Content-Length: %d\r\n" % len(body) + extra, host) + body)
    return wire.reply()


def post_chunked(wire: Wire, pieces: list[bytes], extra: bytes = b"", path: str = "/", method: str = "POST") -> Reply:
    """A request with a chunked body, and its answer."""
    wire.send(request(method, path, b"Transfer-Encoding: chunked\r\n" + extra))
    for piece in pieces:
        wire.send(b"%x\r\n%b\r\n" % (len(piece), piece))
    wire.send(b"0\r\n\r\n")
    return wire.reply()


def send_until_stalled(wire: Wire, pieces: Iterator[bytes]) -> tuple[int, bytes]:
    """Send until nobody takes more: the bytes sent, and the piece that was not taken (empty where all were)."""
    before, sent = wire.sock.gettimeout(), 0
    wire.sock.settimeout(STALLED_SECONDS)
    try:
        for piece in pieces:
            left = piece
            while left:
                try:
                    taken = wire.sock.send(left)
                except (TimeoutError, ssl.SSLWantWriteError):
                    return sent, left
                sent += taken
                left = left[taken:]
    finally:
        wire.sock.settimeout(before)
    return sent, b""


def is_closed(wire: Wire) -> bool:
    """Whether the proxy has closed the connection, looked at without waiting longer than a moment."""
    wire.sock.settimeout(0.05)
    try:
        return not wire.more()
    except TimeoutError:
        return False
    except (ConnectionError, ssl.SSLError):
        return True


def shake_hands(wire: Wire, shell: TlsShell) -> None:
    """Carry a handshake over a wire until it is done, from whatever the proxy says next."""
    while not shell.handshaken:
        shell.receive(some(wire))
        wire.send(shell.outgoing())


def some(wire: Wire) -> bytes:
    """What has come, or comes next; at least a byte."""
    found = wire.take_all()
    if not found:
        assert wire.more(), "closed by the proxy"
        found = wire.take_all()
    return found


def peak_memory(plane: Plane) -> int:
    """The most memory that the proxy ever had, in bytes."""
    assert plane.process is not None
    status = Path(f"/proc/{plane.process.pid}/status").read_text()
    found = re.search(r"VmHWM:\s+(\d+) kB", status)
    assert found is not None
    return int(found[1]) * 1024


def recorded_path(plane: Plane, path: str) -> tuple[Intent, Outcome | None]:
    """The records of the request for a path that only this request has."""
    intent = wait_for(
        lambda: next((entry for entry in plane.intents() if entry.path == path), None), f"an intent for {path}"
    )
    return plane.recorded(intent.request_id)


def reason_of(plane: Plane, path: str) -> str:
    """Why the request that was let through failed."""
    _, outcome = recorded_path(plane, path)
    assert outcome is not None
    return outcome.reason


class Gate:
    """Lets a script wait for the test, and the test for the script."""

    def __init__(self) -> None:
        self._open = threading.Event()

    def open(self) -> None:
        self._open.set()

    def passed(self) -> None:
        """Wait in the test."""
        assert self._open.wait(20), "nobody opened the gate"

    async def wait(self, talk: Talk) -> None:
        """Wait in a script, as long as the connection stands."""
        while not self._open.is_set() and not talk.writer.is_closing():
            await talk.pause()
