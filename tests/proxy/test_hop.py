"""Through a company's proxy: by address, with its credential, and its refusals told."""

from __future__ import annotations

import contextlib
import socket
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from tests.support.plane import CANARY, HOST, plane
from tests.support.upstream import Upstream


@dataclass
class CompanyProxy:
    """Speaks CONNECT and nothing else; `answer` is what it says, and with 200 it carries bytes both ways."""

    answer: bytes = b"HTTP/1.1 200 OK\r\n\r\n"
    asked: list[bytes] = field(default_factory=list)

    def serve(self, listener: socket.socket) -> None:
        with contextlib.suppress(OSError):
            while True:
                near, _ = listener.accept()
                threading.Thread(target=self._carry, args=(near,), daemon=True).start()

    def _carry(self, near: socket.socket) -> None:
        with near, contextlib.suppress(OSError):
            head = b""
            while b"\r\n\r\n" not in head:
                head += near.recv(4096)
            self.asked.append(head)
            near.sendall(self.answer)
            if b" 200 " not in self.answer:
                return
            host, _, port = head.split(b" ")[1].decode().rpartition(":")
            with socket.create_connection((host, int(port))) as far:
                threading.Thread(target=_copy, args=(far, near), daemon=True).start()
                _copy(near, far)


def _copy(source: socket.socket, sink: socket.socket) -> None:
    with contextlib.suppress(OSError):
        while data := source.recv(65536):
            sink.sendall(data)
        sink.shutdown(socket.SHUT_WR)


@pytest.fixture
def company() -> Iterator[tuple[CompanyProxy, int]]:
    made = CompanyProxy()
    with socket.create_server(("127.0.0.1", 0)) as listener:
        thread = threading.Thread(target=made.serve, args=(listener,), daemon=True)
        thread.start()
        yield made, listener.getsockname()[1]
        listener.shutdown(socket.SHUT_RDWR)
    thread.join()


def test_requests_go_through_by_checked_address(tmp_path: Path, company: tuple[CompanyProxy, int]) -> None:
    through, port = company
    with plane(tmp_path) as proxy:
        double = Upstream(proxy.authority.issue_cert(HOST))
        with double.running():
            proxy.simple()
            pins = f"{HOST}:443:127.0.0.1:{double.port}"
            proxy.start(pins=pins, TF_UPSTREAM_PROXY=f"http://ann:s%40crt@127.0.0.1:{port}")
            assert proxy.tunnel().get("/").body == b"hello"
            assert f"Bearer {CANARY}".encode() in double.seen[0]
            head = through.asked[0]
            assert head.startswith(f"CONNECT 127.0.0.1:{double.port} HTTP/1.1".encode())
            assert b"Proxy-Authorization: Basic YW5uOnNAY3J0" in head
            assert CANARY.encode() not in head
            assert "s@crt" not in proxy.log
            proxy.hang_up()


@pytest.mark.parametrize("answer", [b"HTTP/1.1 407 No\r\n\r\n", b"SSH-2.0\r\n\r\n", b"HTTP/1.1 200 OK\r\n\r\nearly"])
def test_its_refusal_is_told(tmp_path: Path, company: tuple[CompanyProxy, int], answer: bytes) -> None:
    through, port = company
    through.answer = answer
    with plane(tmp_path) as proxy:
        proxy.simple()
        proxy.start(pins=f"{HOST}:443:127.0.0.1:9", TF_UPSTREAM_PROXY=f"http://127.0.0.1:{port}")
        reply = proxy.tunnel().get("/")
        assert (reply.status, reply.json["code"]) == (502, "upstream_unreachable")
        assert f"through `http://127.0.0.1:{port}`" in reply.json["message"]


def test_the_address_guard_holds_before_it(tmp_path: Path, company: tuple[CompanyProxy, int]) -> None:
    through, port = company
    with plane(tmp_path) as proxy:
        proxy.publish(proxy.gateway(), {"service": CANARY})
        proxy.start(TF_UPSTREAM_PROXY=f"http://127.0.0.1:{port}")
        gateway = proxy.gateway()
        inside = tuple(
            entry.__class__(entry.id, entry.name, entry.type, ("127.0.0.1",)) for entry in gateway.connectors
        )
        proxy.publish(proxy.gateway(*inside), {"service": CANARY})
        reply = proxy.tunnel("127.0.0.1").get("/", host="127.0.0.1")
        assert (reply.status, reply.json["code"]) == (403, "address_refused")
        assert not through.asked
