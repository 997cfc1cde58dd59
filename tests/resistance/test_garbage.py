"""Bytes that are nothing at all, at every moment of a connection: it ends, others go on."""

from __future__ import annotations

import contextlib
import random
import socket
import time

import pytest
from tests.resistance.raw import deserted, exchanged, serves
from tests.support.clients import shake_hands
from tests.support.plane import HOST, Plane, Wire
from tests.support.upstream import Upstream

from tameflare.wire.tls import TlsShell

NOISE = [random.Random(seed).randbytes(2000) for seed in range(6)]
RECORDS = [
    b"\x16\x03\x01\x00\x00",
    b"\x16\x03\x01\xff\xff" + bytes(70_000),
    b"\x15\x03\x03\x00\x02\x02\x28",
    b"\x14\x03\x03\x00\x01\x01",
    b"\x17\x03\x03\x00\x10" + bytes(16),
    b"\x18\x03\x03\x00\x03\x01\x40\x00",
    b"\x16\x03\x01\x00\x06\x01\xff\xff\xff\x03\x03",
]


def said_last(wire: Wire, data: bytes) -> None:
    """Send and end our half, if the proxy has not ended the whole before; then wait for its end."""
    with contextlib.suppress(OSError):
        wire.send(data)
        wire.sock.shutdown(socket.SHUT_WR)
    wire.rest()


@pytest.mark.parametrize("noise", NOISE, ids=range(len(NOISE)))
def test_instead_of_a_first_request(proxy: Plane, upstream: Upstream, noise: bytes) -> None:
    answer = exchanged(proxy.plain(), noise + b"\r\n\r\n")
    assert answer == b"" or answer.startswith(b"HTTP/1.1 4")
    serves(proxy, upstream)


@pytest.mark.parametrize("noise", [*NOISE, *RECORDS], ids=range(len(NOISE) + len(RECORDS)))
def test_inside_a_tunnel(proxy: Plane, upstream: Upstream, noise: bytes) -> None:
    began, before = time.time(), upstream.connections
    wire = proxy.connect()
    said_last(wire, noise)
    assert upstream.connections == before
    reply = serves(proxy, upstream)
    proxy.recorded(reply.headers["x-tameflare-request-id"])  # whatever was recorded before it has come as well
    let_through = [entry for entry in proxy.intents() if entry.time >= began and entry.verdict == "allow"]
    assert [entry.path for entry in let_through] == ["/still-there"]


@pytest.mark.parametrize("noise", [*NOISE[:2], *RECORDS], ids=range(2 + len(RECORDS)))
@pytest.mark.parametrize("when", ["in-the-handshake", "after-it"])
def test_inside_tls(proxy: Plane, upstream: Upstream, noise: bytes, when: str) -> None:
    before = upstream.connections
    wire = proxy.connect()
    shell = TlsShell(proxy.context(), server_side=False, server_hostname=HOST)
    wire.send(shell.outgoing())
    if when == "after-it":
        shake_hands(wire, shell)
    else:
        wire.more()
    said_last(wire, noise)
    assert upstream.connections == before
    serves(proxy, upstream)


def test_nothing_of_it_stays(proxy: Plane) -> None:
    for noise in (*NOISE, *RECORDS):
        exchanged(proxy.connect(), noise + b"\r\n\r\n" * 2 + bytes(70_000))
    proxy.hang_up()
    deserted(proxy)
