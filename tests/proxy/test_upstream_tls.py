"""Upstreams that cannot be reached, or do not prove who they are."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import pytest
import trustme
from tests.support.clients import post, reason_of
from tests.support.plane import CANARY, Plane, connector, plane
from tests.support.upstream import Talk, Upstream

YESTERDAY = datetime.now(UTC) - timedelta(days=1)


@dataclass
class Field:
    """A proxy, and upstreams by the host they are pinned to."""

    proxy: Plane
    upstreams: dict[str, Upstream]
    silent: socket.socket


@pytest.fixture(scope="module")
def field(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Field]:
    with ExitStack() as stack:
        made = stack.enter_context(plane(tmp_path_factory.mktemp("plane")))
        ours = made.authority
        certificates = {
            "good.test": ours.issue_cert("good.test"),
            "expired.test": ours.issue_cert("expired.test", not_after=YESTERDAY),
            "named.test": ours.issue_cert("somebody-else.test"),
            "stranger.test": trustme.CA().issue_cert("stranger.test"),
        }
        upstreams = {host: Upstream(certificate) for host, certificate in certificates.items()}
        for upstream in upstreams.values():
            stack.enter_context(upstream.running())
        plain = upstreams["plain.test"] = Upstream(certificates["good.test"])
        stack.enter_context(plain.running(encrypted=False))
        silent = stack.enter_context(socket.create_server(("127.0.0.1", 0)))
        with socket.create_server(("127.0.0.1", 0)) as listener:
            closed = listener.getsockname()[1]
        ports = {host: upstream.port for host, upstream in upstreams.items()}
        ports |= {"silent.test": silent.getsockname()[1], "closed.test": closed}
        made.publish(made.gateway(connector(domains=("*.test",))), {"service": CANARY})
        pins = ",".join(f"{host}:443:127.0.0.1:{port}" for host, port in ports.items())
        made.start(pins, TF_CONNECT_TIMEOUT="1")
        yield Field(made, upstreams, silent)


def test_a_certificate_that_proves_the_host_is_taken(field: Field) -> None:
    assert field.proxy.tunnel("good.test").get(host="good.test").status == 200


@pytest.mark.parametrize(
    ("host", "said"),
    [
        ("expired.test", "expired"),
        ("named.test", "mismatch"),
        ("stranger.test", "issuer"),
    ],
)
def test_a_certificate_that_proves_nothing_is_a_502_that_says_why(field: Field, host: str, said: str) -> None:
    reply = field.proxy.tunnel(host).get(f"/{host}", host=host)
    assert (reply.status, reply.json["code"]) == (502, "upstream_certificate")
    assert said in reply.json["message"].lower()
    assert host in reply.json["message"]
    assert field.upstreams[host].seen == [], "not one byte of the request, and so no credential"
    assert reason_of(field.proxy, f"/{host}") == "upstream_certificate"


def test_an_upstream_that_speaks_no_tls_gets_nothing(field: Field) -> None:
    async def script(talk: Talk) -> None:
        await talk.say(b"HTTP/1.1 400 Bad Request\r\n\r\n")
        assert CANARY.encode() not in await talk.gone()

    field.upstreams["plain.test"].script = script
    reply = field.proxy.tunnel("plain.test").get(host="plain.test")
    assert (reply.status, reply.json["code"]) == (502, "upstream_invalid")


def test_an_upstream_that_never_shakes_hands_is_a_504(field: Field) -> None:
    wire = field.proxy.tunnel("silent.test")
    reply = wire.get(host="silent.test")
    assert (reply.status, reply.json["code"]) == (504, "upstream_timeout")
    assert wire.get(host="silent.test").status == 504, "the agent's connection lives on"


@pytest.mark.parametrize("size", [0, 8 << 20])
def test_a_refused_port_is_a_502(field: Field, size: int) -> None:
    wire = field.proxy.tunnel("closed.test")
    for _ in range(2):
        reply = post(wire, bytes(size), host="closed.test")
        assert (reply.status, reply.json["code"]) == (502, "upstream_unreachable")


def test_an_upload_waits_in_bounded_memory_until_the_upstream_is_found_missing(field: Field) -> None:
    reply = post(field.proxy.tunnel("silent.test"), bytes(8 << 20), host="silent.test")
    assert reply.status == 504
