"""`python -m tameflare.proxy.shipper`: the child of a proxy that delivers the spool to the control plane.

Its settings, the link token among them, come as one line of JSON over stdin, so that neither arguments nor environment
hold a secret; stdin stays open, and its end is the proxy's end. On stdout it tells the proxy how far it is, one line of
JSON at each change.
"""

from __future__ import annotations

import os
import signal
import sys
import threading
import time
from pathlib import Path
from typing import Final, TextIO

import httpx
import msgspec

from tameflare.core.errors import TameFlareError
from tameflare.core.secret import Secret
from tameflare.link.messages import RECORDS_PATH, SpoolPosition
from tameflare.process import harden
from tameflare.proxy.backlog import Backlog, Batch
from tameflare.proxy.link_client import answer_problem, check_server_url, client_options

ANSWER_SECONDS: Final = 30.0
LAST_DELIVERY_SECONDS: Final = 3.0
LONGEST_BACK_OFF: Final = 5.0


class ShipperSettings(msgspec.Struct, frozen=True):
    """First line on stdin. `poll_seconds` is how often the spool is looked at while nothing waits."""

    server: str
    token: str
    directory: str
    poll_seconds: float = 0.1


class ShipperReport(msgspec.Struct, frozen=True):
    """A line on stdout. `delivered` counts frames since this process began."""

    delivered: int
    waiting_bytes: int
    problem: str = ""


class DeliveryFault(TameFlareError):
    """The control plane did not take a batch; it stays where it is."""

    code = "delivery_fault"


class Shipper:
    """Delivers one batch at a time, in order, until `stopping` is set and nothing waits or nothing can be delivered."""

    def __init__(self, backlog: Backlog, client: httpx.Client, stopping: threading.Event, out: TextIO) -> None:
        self._backlog = backlog
        self._client = client
        self._stopping = stopping
        self._out = out
        self._last_report: ShipperReport | None = None
        self._delivered = 0

    def run(self, poll_seconds: float) -> None:
        back_off = poll_seconds
        while True:
            problem = ""
            try:
                moved = self.deliver()
            except (httpx.HTTPError, OSError, ValueError, TameFlareError) as fault:
                moved, problem = False, _sentence(fault)
            self._report(problem)
            if moved:
                back_off = poll_seconds
                continue
            if self._stopping.is_set():
                return
            back_off = min(back_off * 2, LONGEST_BACK_OFF) if problem else poll_seconds
            self._stopping.wait(back_off)

    def deliver(self) -> bool:
        """Send the next batch; False if nothing waits. Raises httpx.HTTPError, OSError, ValueError, DeliveryFault."""
        batch = self._backlog.next_batch()
        if batch is None:
            return False
        position = self._send(batch)
        if not self._backlog.acknowledge(batch, position):
            raise DeliveryFault("the control plane takes no more records")
        self._delivered += max(0, min(batch.count, position.sequence - batch.sequence))
        return True

    def _send(self, batch: Batch) -> SpoolPosition:
        headers = {
            "content-type": "application/octet-stream",
            "x-tameflare-epoch": batch.epoch,
            "x-tameflare-sequence": str(batch.sequence),
            "x-tameflare-missing": str(batch.missing),
        }
        answer = self._client.post(RECORDS_PATH, content=batch.data, headers=headers)
        if answer.status_code not in (httpx.codes.OK, httpx.codes.CONFLICT):  # 409 tells where to go on, too
            raise DeliveryFault(answer_problem(answer.status_code))
        return msgspec.json.decode(answer.content, type=SpoolPosition)

    def _report(self, problem: str) -> None:
        report = ShipperReport(self._delivered, self._backlog.waiting_bytes(), problem)
        if report != self._last_report:
            self._last_report = report
            self._out.write(msgspec.json.encode(report).decode() + "\n")
            self._out.flush()


def _sentence(fault: Exception) -> str:
    if isinstance(fault, httpx.HTTPError):
        return "the control plane cannot be reached"
    if isinstance(fault, ValueError):  # msgspec.DecodeError is one
        return "the control plane's answer cannot be read"
    return str(fault)


def _watch_parent(stopping: threading.Event) -> None:
    """Wait for the end of stdin; then give the last delivery a moment, and no longer."""
    while os.read(sys.stdin.fileno(), 4096):
        continue
    stopping.set()
    time.sleep(LAST_DELIVERY_SECONDS)
    os._exit(0)


def main() -> int:
    harden()
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C goes to the whole group; the proxy ends us in its turn
    line = sys.stdin.readline()
    if not line:
        return 0
    settings = msgspec.json.decode(line, type=ShipperSettings)
    server = check_server_url(settings.server)
    stopping = threading.Event()
    threading.Thread(target=_watch_parent, args=(stopping,), daemon=True).start()
    with httpx.Client(**client_options(server, Secret(settings.token), ANSWER_SECONDS)) as client:
        Shipper(Backlog(Path(settings.directory)), client, stopping, sys.stdout).run(settings.poll_seconds)
    return 0


if __name__ == "__main__":
    sys.exit(main())
