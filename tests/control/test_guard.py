"""What stands before every route, and the documents that anybody may read."""

from __future__ import annotations

import re
from collections.abc import Iterator

import httpx
import pytest
from tests.control.running import Running

from tameflare.control.api.guard import MAX_BODY, allowed_hosts
from tameflare.control.app import document


def test_foreign_hosts_are_refused(server: Running) -> None:
    client = server.client()
    for host in ("evil.test", "127.0.0.1.evil.test", "localhost.evil.test:3000", "", "[::2]:3000"):
        answer = client.get("/api/health", headers={"Host": host})
        assert (answer.status_code, answer.json()["code"]) == (421, "host_refused"), host
    for host in ("localhost", "LOCALHOST:3000", "127.0.0.1:1", "[::1]:3000"):
        assert client.get("/api/health", headers={"Host": host}).status_code == 200


@pytest.mark.parametrize(
    ("host", "url", "expected"),
    [
        ("127.0.0.1", "", set()),
        ("0.0.0.0", "", set()),
        ("10.0.0.7", "https://flare.example.com:8443/x", {"10.0.0.7", "flare.example.com"}),
        ("fd00::1", "https://[fd00::2]", {"[fd00::1]", "[fd00::2]"}),
    ],
)
def test_own_names_are_answered_for(host: str, url: str, expected: set[str]) -> None:
    assert allowed_hosts(host, url) == {"localhost", "127.0.0.1", "[::1]"} | expected


def test_large_bodies_are_refused(server: Running, owner: httpx.Client) -> None:
    announced = owner.post("/api/dashboard/gateways", content=b"x" * (MAX_BODY + 1))
    assert announced.status_code == 413

    def chunks() -> Iterator[bytes]:
        yield b'{"name": "'
        for _ in range(20):
            yield b"x" * (MAX_BODY // 10)

    streamed = owner.post("/api/dashboard/gateways", content=chunks(), headers={"Content-Type": "application/json"})
    assert streamed.status_code == 422


def test_every_answer_carries_the_security_headers(server: Running, owner: httpx.Client) -> None:
    answers = [
        owner.get("/api/dashboard/me"),
        owner.get("/nothing"),
        server.client().get("/api/dashboard/me"),
        server.client().get("/api/health", headers={"Host": "evil.test"}),
    ]
    for answer in answers:
        assert answer.headers["x-content-type-options"] == "nosniff"
        assert answer.headers["cache-control"] == "no-store"
        assert answer.headers["content-security-policy"] == "default-src 'none'; frame-ancestors 'none'"
        assert answer.headers["x-frame-options"] == "DENY"


def test_unknown_routes_and_methods_answer_in_the_usual_shape(server: Running) -> None:
    client = server.client()
    for answer, status in ((client.get("/nothing"), 404), (client.put("/api/health"), 405)):
        assert answer.status_code == status
        assert set(answer.json()) == {"error", "code", "message", "help"}


def test_the_docs_page_lists_every_operation_and_loads_nothing(server: Running) -> None:
    client = server.client()
    page = client.get("/api/docs")
    assert page.headers["content-type"] == "text/html; charset=utf-8"
    document = client.get("/api/openapi.json").json()
    assert document["openapi"].startswith("3.1")
    for path in document["paths"]:
        assert f"<code>{path}</code>" in page.text
    assert not re.search(r"<script|<link|<img|src=|url\(|https?://(?!127\.0\.0\.1)", page.text)
    policy = page.headers["content-security-policy"]
    assert "default-src 'none'" in policy
    assert "unsafe" not in policy


def test_every_operation_is_described_and_names_its_errors(server: Running) -> None:
    document = server.client().get("/api/openapi.json").json()
    for path, operations in document["paths"].items():
        for method, operation in operations.items():
            assert operation.get("summary"), (method, path)
            if "security" in operation and path != "/api/health":
                assert operation["responses"].keys() >= {"401", "403", "422"}, (method, path)


def test_the_document_needs_no_server(server: Running) -> None:
    assert server.client().get("/api/openapi.json").json() == document()
