"""A control plane's end of the link over real HTTP, that can be made to misbehave."""

from __future__ import annotations

import http.server
import json
import threading
from collections.abc import Callable
from typing import Any
from urllib.parse import parse_qs, urlsplit

import msgspec

from tameflare.link.approvals import APPROVALS_PATH, Answer, Standing
from tameflare.link.messages import FEED_PATH, RECORDS_PATH, Record
from tameflare.link.spool import decode, payloads
from tameflare.link.totals import TOTALS_PATH, Ask, Sums

TOKEN = "gwln_test-link-token"
DECISIONS = "/api/v1/"

# given the sequence and the number of frames of a batch: how many of them are stored, and the status of the answer
Taking = Callable[[int, int], tuple[int, int]]


def take_all(sequence: int, count: int) -> tuple[int, int]:
    return count, 200


class _Server(http.server.ThreadingHTTPServer):
    daemon_threads = True
    block_on_close = False
    allow_reuse_address = True

    def __init__(self, port: int, link: LinkServer) -> None:
        self.link = link
        super().__init__(("127.0.0.1", port), _Handler)

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A caller that went away in the middle is what these tests are about."""


class LinkServer:
    """Stores records by (epoch, sequence) as the control plane does; answers the feed with `feed`, totals with
    `totals` (None: with a fault), the decision API with `decide`, and no approval.

    `stored` outlives `stop` and `start`, like a database.
    """

    def __init__(self) -> None:
        self.stored: dict[tuple[str, int], str] = {}
        self.positions: dict[str, int] = {}
        self.rows: list[str] = []
        self.kept: list[Record] = []
        self.taking: Taking = take_all
        self.feed: Callable[[int], bytes] = lambda cursor: b"{}"
        self.feed_status = 200
        self.approvals_status = 200
        self.totals: Callable[[Ask], Sums | None] = lambda asked: Sums(((),) * len(asked.reserve))
        self.decide: Callable[[str, str, dict[str, str], bytes], tuple[int, bytes]] = lambda *_: (200, b"{}")
        self.polls: list[tuple[int, float]] = []
        self.refused_callers = 0
        self.requests = 0
        self.gaps = 0
        self.backlogs: list[int] = []
        self.epochs: list[str | None] = []
        self.questions: list[str] = []
        self._lock = threading.Lock()
        self._port = 0
        self._server: _Server | None = None

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._port}"

    def start(self) -> None:
        self._server = _Server(self._port, self)
        self._port = self._server.server_address[1]
        threading.Thread(target=self._server.serve_forever, args=(0.02,), daemon=True).start()

    def stop(self) -> None:
        if self._server is not None:
            self._server.shutdown()
            self._server.server_close()
            self._server = None

    def records(self, epoch: str, sequence: int, missing: int, body: bytes) -> tuple[int, bytes]:
        """Take a batch as the contract says: what was stored before is not stored again, nothing is left out."""
        found = [decode(payload) for _, payload in payloads(body)]
        with self._lock:
            self.requests += 1
            count, status = self.taking(sequence, len(found))
            position = self.positions.get(epoch, 0)
            if sequence - position > missing:
                self.gaps += 1
                return 409, json.dumps({"code": "sequence_gap", "epoch": epoch, "sequence": position}).encode()
            for at, record in enumerate(found[:count], start=sequence):
                if at >= position:
                    assert (epoch, at) not in self.stored
                    self.stored[epoch, at] = record.request_id
                    self.rows.append(record.request_id)
                    self.kept.append(record)
                    position = at + 1
            self.positions[epoch] = position
        return status, json.dumps({"epoch": epoch, "sequence": position}).encode()


class _Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    wbufsize = 1 << 16  # head and body in one packet, else the second waits for an acknowledgement of the first
    server: _Server

    def do_GET(self) -> None:
        parts = urlsplit(self.path)
        query = parse_qs(parts.query)
        link = self.server.link
        if parts.path.startswith(DECISIONS):
            self._decide(b"")
            return
        assert parts.path == FEED_PATH
        if self._trusted():
            cursor, wait = int(query["cursor"][0]), float(query["wait"][0])
            link.polls.append((cursor, wait))
            link.backlogs.append(int(self.headers["x-tameflare-backlog"]))
            link.epochs.append(self.headers["x-tameflare-epoch"])
            self._answer(link.feed_status, link.feed(cursor))

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers.get("content-length", 0)))
        if self.path.startswith(DECISIONS):
            self._decide(body)
            return
        if self.path.startswith(APPROVALS_PATH):
            if self.server.link.approvals_status != 200:
                self._answer(self.server.link.approvals_status, b"{}")
            elif self._trusted():
                self.server.link.questions.append(self.path.removeprefix(APPROVALS_PATH))
                self._answer(
                    200, msgspec.json.encode(Answer(f"apr_{len(self.server.link.questions)}", Standing.PENDING))
                )
            return
        if self.path == TOTALS_PATH:
            if self._trusted():
                found = self.server.link.totals(msgspec.json.decode(body, type=Ask))
                self._answer(503 if found is None else 200, msgspec.json.encode(found))
            return
        assert self.path == RECORDS_PATH
        if self._trusted():
            numbers = (int(self.headers[f"x-tameflare-{name}"]) for name in ("sequence", "missing"))
            self._answer(*self.server.link.records(self.headers["x-tameflare-epoch"], *numbers, body))

    def _decide(self, body: bytes) -> None:
        headers = {name.lower(): value for name, value in self.headers.items()}
        self._answer(*self.server.link.decide(self.command, self.path, headers, body))

    def _trusted(self) -> bool:
        if self.headers["authorization"] == f"Bearer {TOKEN}":
            return True
        self.server.link.refused_callers += 1
        self._answer(401, b'{"error":"Unauthorized"}')
        return False

    def _answer(self, status: int, body: bytes) -> None:
        if self.server.link._server is not self.server:  # stopped meanwhile: die without an answer
            self.close_connection = True
            return
        self.send_response(status)
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *args: Any) -> None:
        """Quiet."""
