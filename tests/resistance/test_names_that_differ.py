"""CONNECT, SNI and `Host` each name the host of a request. One that differs is refused; nothing goes upstream."""

from __future__ import annotations

import itertools

import pytest
from tests.resistance.raw import paths
from tests.support.clients import request
from tests.support.plane import CANARY, HOST, Plane, connector
from tests.support.upstream import Upstream

OTHER = "other.example.test"
COMBINATIONS = [names for names in itertools.product((HOST, OTHER), repeat=3) if len(set(names)) > 1]


@pytest.fixture
def both(proxy: Plane) -> Plane:
    """A connector serves both hosts, so that only their disagreement is left to refuse for."""
    proxy.publish(proxy.gateway(connector(domains=(HOST, OTHER))), {"service": CANARY})
    return proxy


@pytest.mark.parametrize(("tunnel", "sni", "host"), COMBINATIONS)
def test_any_two_that_differ(both: Plane, upstream: Upstream, tunnel: str, sni: str, host: str) -> None:
    before = upstream.connections
    reply = both.tunnel(tunnel, sni=sni).get("/differ", host=host)
    assert (reply.status, reply.json["code"]) == (421, "host_mismatch")
    assert upstream.connections == before
    intent, _ = both.recorded(reply.json["request_id"])
    assert (intent.verdict, intent.reason) == ("deny", "host_mismatch")


@pytest.mark.parametrize("host", [f"{HOST}:8443", f"{HOST}:80", f"{HOST}:0443x", f"{HOST}..", "", f"me@{HOST}"])
def test_a_host_field_that_nearly_fits(both: Plane, upstream: Upstream, host: str) -> None:
    assert both.tunnel().get("/nearly", host=host).status in (400, 421)
    assert upstream.seen == []


def test_the_second_request_of_a_tunnel_is_compared_too(both: Plane, upstream: Upstream) -> None:
    """Also where its head repeats the first but for the one field."""
    wire = both.tunnel()
    assert [wire.get("/first").status, wire.get("/second").status] == [200, 200]
    assert wire.get("/third", host=OTHER).status == 421
    assert paths(upstream) == ["/first", "/second"]


def test_a_request_without_host(both: Plane, upstream: Upstream) -> None:
    wire = both.tunnel()
    wire.send(b"GET /nameless HTTP/1.0\r\n\r\n")
    assert wire.reply().status == 421
    wire = both.tunnel()
    wire.send(b"GET /nameless HTTP/1.1\r\n\r\n")
    assert wire.reply().status == 400
    assert upstream.seen == []


@pytest.mark.parametrize("line", [f"GET https://{OTHER}/x", f"GET https://{HOST}/x", f"GET //{OTHER}/x", "OPTIONS *"])
def test_a_target_that_names_a_host_inside_a_tunnel(both: Plane, upstream: Upstream, line: str) -> None:
    wire = both.tunnel()
    wire.send(f"{line} HTTP/1.1\r\nHost: {HOST}\r\n\r\n".encode())
    assert wire.reply().status == 400
    assert upstream.seen == []


def test_the_host_of_a_connect_head_is_not_believed(both: Plane, upstream: Upstream) -> None:
    """The target of CONNECT counts; what follows has to agree with it."""
    wire = both.plain()
    wire.send(f"CONNECT {HOST}:443 HTTP/1.1\r\nHost: {OTHER}:443\r\n".encode() + both.header() + b"\r\n")
    assert wire.head().status == 200
    wire.sock = both.context().wrap_socket(wire.sock, server_hostname=HOST)
    wire.send(request(path="/believed", host=OTHER))
    assert wire.reply().status == 421
    assert upstream.seen == []
