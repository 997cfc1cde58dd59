"""Where a request may go: addresses that the resolver finds, plain http, and hosts that are written to deceive."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
import trustme
from tests.support.clients import reason_of, recorded_path, request
from tests.support.plane import CANARY, HOST, Plane, Reply, Wire, connector
from tests.support.upstream import Upstream

from tameflare.core.decision import EnforcementLevel
from tameflare.wire.target import normalise_host

INNER = {
    "127.0.0.1": "loopback",
    "localhost": "loopback",
    "10.0.0.1": "private",
    "192.168.1.1": "private",
    "0.0.0.0": "unspecified",
    "169.254.1.1": "link_local",
    "169.254.169.254": "metadata",
    "100.64.0.1": "cgnat",
    "224.0.0.1": "multicast",
    "[::1]": "loopback",
    "[::]": "unspecified",
    "[fd00::1]": "private",
    "[::ffff:127.0.0.1]": "loopback",
    "[::ffff:169.254.169.254]": "metadata",
    "[64:ff9b::a00:1]": "private",
}


@pytest.fixture(scope="module")
def plain(served: tuple[Plane, Upstream]) -> Iterator[Upstream]:
    """An upstream without TLS, on loopback, pinned by nobody."""
    double = Upstream(served[0].authority.issue_cert(HOST))
    with double.running(encrypted=False):
        yield double


def inside(proxy: Plane, host: str, port: int = 443) -> Wire:
    """A tunnel with TLS to a host that may be an address."""
    wire = proxy.connect(host, port)
    context = proxy.context()
    context.check_hostname = False
    wire.sock = context.wrap_socket(wire.sock, server_hostname=host.strip("[]"))
    return wire


def serve(proxy: Plane, host: str, **options: object) -> None:
    proxy.publish(proxy.gateway(connector(domains=(normalise_host(host),), **options)), {"service": CANARY})


def absolute(proxy: Plane, url: str, host: str, extra: bytes = b"") -> Reply:
    wire = proxy.plain()
    wire.send(request(path=url, extra=proxy.header() + extra, host=host))
    return wire.reply()


@pytest.mark.parametrize(("host", "kind"), INNER.items())
def test_inner_addresses_are_refused(proxy: Plane, host: str, kind: str) -> None:
    serve(proxy, host)
    path = f"/{kind}-{host.strip('[]').replace(':', '-')}"
    reply = inside(proxy, host).get(path, host=host)
    assert (reply.status, reply.json["code"]) == (403, "address_refused")
    assert f"the {kind} address" in reply.json["message"]
    assert reason_of(proxy, path) == "address_refused"


def test_metadata_is_refused_even_where_its_network_is_listed(proxy: Plane) -> None:
    serve(proxy, "169.254.169.254", allow_addresses=("169.254.0.0/16",))
    reply = inside(proxy, "169.254.169.254").get(host="169.254.169.254")
    assert reply.json["code"] == "address_refused"


@pytest.mark.parametrize("listed", ["127.0.0.1", "127.0.0.0/8"])
def test_a_listed_address_is_dialled(proxy: Plane, authority: trustme.CA, listed: str) -> None:
    double = Upstream(authority.issue_cert("127.0.0.1"))
    with double.running():
        serve(proxy, "127.0.0.1", allow_addresses=(listed,), ports=(double.port,))
        host = f"127.0.0.1:{double.port}"
        assert inside(proxy, "127.0.0.1", double.port).get(host=host).status == 200
        assert f"Host: {host}\r\n".encode() in double.seen[0]


def test_one_bad_answer_of_the_resolver_refuses_the_host(proxy: Plane) -> None:
    serve(proxy, "localhost", allow_addresses=("192.0.2.1",))
    assert inside(proxy, "localhost").get(host="localhost").json["code"] == "address_refused"


def test_monitor_does_not_lift_the_guard(proxy: Plane) -> None:
    proxy.publish(proxy.gateway(level=EnforcementLevel.MONITOR), {"service": CANARY})
    for host in ("127.0.0.1", "localhost"):
        assert inside(proxy, host).get(host=host).json["code"] == "address_refused"


def test_a_host_that_does_not_exist_is_a_502(proxy: Plane) -> None:
    serve(proxy, "nowhere.invalid")
    reply = inside(proxy, "nowhere.invalid").get(host="nowhere.invalid")
    assert (reply.status, reply.json["code"]) == (502, "upstream_unreachable")


@pytest.mark.parametrize("host", ["2130706433", "0x7f000001", "127.1", "0177.0.0.1", "0x7f.1", "a b", ""])
def test_hosts_written_to_deceive_are_refused(proxy: Plane, host: str) -> None:
    wire = proxy.plain()
    wire.send(f"CONNECT {host}:443 HTTP/1.1\r\nHost: {HOST}\r\n".encode() + proxy.header() + b"\r\n")
    assert wire.reply().status == 400


def test_a_final_dot_changes_nothing(proxy: Plane) -> None:
    serve(proxy, "127.0.0.1")
    wire = proxy.connect("127.0.0.1.")
    wire.sock = proxy.context().wrap_socket(wire.sock, server_hostname="127.0.0.1")
    assert wire.get(host="127.0.0.1").json["code"] == "address_refused"


def test_plain_http_is_refused_where_the_connector_does_not_allow_it(proxy: Plane, upstream: Upstream) -> None:
    for reply in (
        absolute(proxy, f"http://{HOST}/", HOST),
        absolute(proxy, f"http://{HOST}:443/", f"{HOST}:443"),
        proxy.connect(HOST, 80).get(),
    ):
        assert (reply.status, reply.json["code"]) == (403, "plaintext_refused")
    assert upstream.seen == []


def test_the_target_of_an_absolute_request_and_its_host_must_agree(proxy: Plane, upstream: Upstream) -> None:
    reply = absolute(proxy, f"http://{HOST}/", "other.example.test")
    assert (reply.status, reply.json["code"]) == (421, "host_mismatch")


def test_https_in_an_absolute_request_is_refused(proxy: Plane, upstream: Upstream) -> None:
    assert absolute(proxy, f"https://{HOST}/", HOST).status == 400
    assert upstream.seen == []


def test_plain_http_goes_where_the_connector_allows_it(proxy: Plane, plain: Upstream) -> None:
    options = {"allow_plaintext": True, "allow_addresses": ("127.0.0.1",), "ports": (plain.port,)}
    serve(proxy, "127.0.0.1", **options)
    host = f"127.0.0.1:{plain.port}"
    reply = absolute(proxy, f"http://{host}/plain?x=1", host)
    assert (reply.status, reply.body) == (200, b"hello")
    assert plain.seen[-1].startswith(b"GET /plain?x=1 HTTP/1.1\r\n")
    assert CANARY.encode() in plain.seen[-1]
    assert b"roxy-" not in plain.seen[-1]
    intent, _ = recorded_path(proxy, "/plain?x=1")
    assert (intent.scheme, intent.host, intent.port) == ("http", "127.0.0.1", plain.port)


def test_plain_http_inside_a_tunnel_is_judged_as_http(proxy: Plane, plain: Upstream) -> None:
    options = {"allow_plaintext": True, "allow_addresses": ("127.0.0.1",), "ports": (plain.port,)}
    serve(proxy, "127.0.0.1", **options)
    wire = proxy.connect("127.0.0.1", plain.port)
    host = f"127.0.0.1:{plain.port}"
    assert [wire.get("/tunnelled", host=host).status for _ in range(2)] == [200, 200]
    intent, _ = recorded_path(proxy, "/tunnelled")
    assert intent.scheme == "http"


def test_an_absolute_request_without_a_token_may_be_tried_again(proxy: Plane, plain: Upstream) -> None:
    options = {"allow_plaintext": True, "allow_addresses": ("127.0.0.1",), "ports": (plain.port,)}
    serve(proxy, "127.0.0.1", **options)
    host = f"127.0.0.1:{plain.port}"
    wire = proxy.plain()
    wire.send(request(path=f"http://{host}/", host=host))
    reply = wire.reply()
    assert (reply.status, reply.headers.get("connection")) == (407, None)
    assert reply.headers["proxy-authenticate"].startswith("Basic")
    wire.send(request(path=f"http://{host}/", host=host, extra=proxy.header()))
    assert wire.reply().status == 200


def test_an_absolute_path_is_normalised_or_refused(proxy: Plane, plain: Upstream) -> None:
    options = {"allow_plaintext": True, "allow_addresses": ("127.0.0.1",), "ports": (plain.port,)}
    serve(proxy, "127.0.0.1", **options)
    host = f"127.0.0.1:{plain.port}"
    before = len(plain.seen)
    assert absolute(proxy, f"http://{host}/a/../b", host).status == 400
    assert len(plain.seen) == before
