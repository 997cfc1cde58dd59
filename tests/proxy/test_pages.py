"""The proxy's own pages, answered for its own host only."""

from __future__ import annotations

import json

import pytest
from tests.support.clients import request
from tests.support.plane import HOST, Plane, Reply


def page(proxy: Plane, path: str, method: str = "GET", host: str = "", extra: bytes = b"") -> Reply:
    return proxy.plain().get(path, extra, method, host or f"127.0.0.1:{proxy.port}")


def test_health_tells_what_is_served(proxy: Plane) -> None:
    health = page(proxy, "/health").json
    assert health["status"] == "ok"
    assert health["configuration"]["version"] == proxy.version
    assert health["levels"] == {"main": "full_enforce"}
    assert health["kill_switch"] is False
    assert proxy.token not in json.dumps(health)


def test_metrics_are_there(proxy: Plane) -> None:
    reply = page(proxy, "/metrics")
    assert reply.headers["content-type"].startswith("text/plain")
    for name in (b"tameflare_requests_total", b"tameflare_config_age_seconds", b"tameflare_active_connections"):
        assert name in reply.body


def test_the_certificate_of_the_authority_is_there_and_its_key_is_not(proxy: Plane) -> None:
    reply = page(proxy, "/ca.pem")
    assert reply.body == (proxy.directory / "data" / "proxy" / "ca.pem").read_bytes()
    assert b"PRIVATE" not in reply.body


@pytest.mark.parametrize("path", ["/health", "/metrics", "/ca.pem", "/run/x", "/"])
@pytest.mark.parametrize("host", [HOST, "evil.test", "127.0.0.1.evil.test", "169.254.169.254"])
def test_a_name_that_somebody_points_here_gets_nothing(proxy: Plane, path: str, host: str) -> None:
    reply = page(proxy, path, host=host)
    assert (reply.status, reply.json["code"]) == (421, "host_mismatch")


@pytest.mark.parametrize("host", ["localhost", "127.0.0.1", "[::1]:1"])
def test_names_of_the_machine_itself_are_its_own(proxy: Plane, host: str) -> None:
    assert page(proxy, "/health", host=host).status == 200


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE", "PATCH"])
def test_pages_are_only_read(proxy: Plane, method: str) -> None:
    assert page(proxy, "/health", method).status == 405


def test_what_is_not_there_is_404(proxy: Plane) -> None:
    assert page(proxy, "/ca.key").status == 404
    assert page(proxy, "/api/dashboard/gateways").status == 404


def test_a_head_request_gets_no_body(proxy: Plane) -> None:
    wire = proxy.plain()
    wire.send(request("HEAD", "/health", host="localhost"))
    assert int(wire.head().headers["content-length"]) > 0
    assert wire.rest() == b""


def test_the_command_line_asks_in_http_1_0_too(proxy: Plane) -> None:
    wire = proxy.plain()
    wire.send(b"GET /health HTTP/1.0\r\nHost: localhost\r\n\r\n")
    assert wire.reply().status == 200
