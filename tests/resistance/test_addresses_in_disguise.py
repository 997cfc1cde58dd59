"""Inner addresses in other clothes: embedded in IPv6, as plain numbers, and names whose answer changes."""

from __future__ import annotations

import asyncio
import socket
import ssl
from ipaddress import ip_address
from typing import Any

import pytest
from tests.support.clients import request
from tests.support.plane import CANARY, HOST, Plane, connector
from tests.support.upstream import Upstream

from tameflare.core.addresses import AddressGuard
from tameflare.core.decision import Reason
from tameflare.proxy.dialer import Dialer
from tameflare.proxy.origin import Origin
from tameflare.proxy.pool import Pool
from tameflare.proxy.refusal import Refusal
from tameflare.proxy.resolver import Resolver
from tameflare.proxy.tasks import Tasks

EMBEDDED = [
    "::127.0.0.1",
    "::ffff:10.0.0.1",
    "::ffff:0:127.0.0.1",
    "64:ff9b::7f00:1",
    "64:ff9b:1::a9fe:a9fe",
    "2002:7f00:1::",
    "2002:a9fe:a9fe::1",
    "2001:0:102:304:0:0:80ff:fffe",
    "fe80::5efe:127.0.0.1",
    "::ffff:0.0.0.0",
    "fec0::1",
]


@pytest.mark.parametrize("address", EMBEDDED)
def test_embedded_in_ipv6(proxy: Plane, address: str) -> None:
    written = str(ip_address(address))
    proxy.publish(proxy.gateway(connector(domains=(written,))), {"service": CANARY})
    wire = proxy.connect(f"[{address}]")
    context = proxy.context()
    context.check_hostname = False
    wire.sock = context.wrap_socket(wire.sock, server_hostname=written)
    reply = wire.get(host=f"[{address}]")
    assert (reply.status, reply.json["code"]) == (403, "address_refused")


NUMBERS = ["2130706433", "0x7f000001", "017700000001", "127.1", "127.0.1", "0x7f.0.0.1", "127.0.0.0x1", "1.2.3.4.5"]


@pytest.mark.parametrize(
    "host",
    [*NUMBERS, "\u2460\u2461\u2466.0.0.1", "127\u30020\u30020\u30021", "[127.0.0.1]", "[::1%25lo]", "[::1", "::1"],
)
@pytest.mark.parametrize("way", ["connect", "absolute", "host"])
def test_numbers_that_some_resolvers_read_as_addresses(proxy: Plane, upstream: Upstream, host: str, way: str) -> None:
    wire = proxy.plain()
    if way == "connect":
        wire.send(f"CONNECT {host}:443 HTTP/1.1\r\nHost: {host}\r\n".encode() + proxy.header() + b"\r\n")
    elif way == "absolute":
        head = f"GET http://{host}/ HTTP/1.1\r\nHost: {host}\r\n".encode()
        wire.send(head + proxy.header() + b"\r\n")
    else:
        wire = proxy.tunnel()
        wire.send(f"GET / HTTP/1.1\r\nHost: {host}\r\n\r\n".encode())
    assert wire.reply().status in (400, 421)
    assert upstream.seen == []


class Answers:
    """What names resolve to, another answer at each look-up; and which addresses were dialled."""

    def __init__(self, *answers: list[str]) -> None:
        self.answers = list(answers)
        self.dialled: list[tuple[str, int]] = []

    async def getaddrinfo(self, host: str, port: int, **_: Any) -> list[tuple[Any, ...]]:
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (address, port)) for address in self.answers.pop(0)]

    async def create_connection(self, make: Any, host: str, port: int) -> None:
        self.dialled.append((host, port))
        raise ConnectionRefusedError(111, "Connection refused")


def opened(answers: Answers, times: int, monkeypatch: pytest.MonkeyPatch) -> list[Reason]:
    """Why each of so many dials came to nothing."""

    async def story() -> list[Reason]:
        loop = asyncio.get_running_loop()
        monkeypatch.setattr(loop, "getaddrinfo", answers.getaddrinfo)
        monkeypatch.setattr(loop, "create_connection", answers.create_connection)
        pool = Pool(loop.time)
        dialer = Dialer(Resolver({}), ssl.create_default_context(), pool, Tasks(), 5.0)
        found = [
            await dialer.open(Origin("https", HOST, 443), AddressGuard(()), asyncio.Protocol) for _ in range(times)
        ]
        assert all(isinstance(entry, Refusal) for entry in found)
        return [entry.reason for entry in found if isinstance(entry, Refusal)]

    return asyncio.run(story())


def test_the_address_that_was_checked_is_the_one_that_is_dialled(monkeypatch: pytest.MonkeyPatch) -> None:
    """One look-up for each dial: a name server that answers differently the second time is not asked a second time."""
    answers = Answers(["93.184.216.34"], ["127.0.0.1"])
    assert opened(answers, 1, monkeypatch) == [Reason.UPSTREAM_UNREACHABLE]
    assert answers.dialled == [("93.184.216.34", 443)]
    assert answers.answers == [["127.0.0.1"]]


def test_every_dial_is_checked_anew(monkeypatch: pytest.MonkeyPatch) -> None:
    answers = Answers(["93.184.216.34"], ["127.0.0.1"], ["93.184.216.34", "169.254.169.254"], ["8.8.8.8"])
    assert opened(answers, 4, monkeypatch) == [
        Reason.UPSTREAM_UNREACHABLE,
        Reason.ADDRESS_REFUSED,
        Reason.ADDRESS_REFUSED,
        Reason.UPSTREAM_UNREACHABLE,
    ]
    assert answers.dialled == [("93.184.216.34", 443), ("8.8.8.8", 443)]


def test_no_head_changes_where_it_goes(proxy: Plane, upstream: Upstream) -> None:
    """Fields by which other proxies let themselves be led."""
    wire = proxy.tunnel()
    fields = b"X-Forwarded-Host: 127.0.0.1\r\nForwarded: host=127.0.0.1\r\nX-Host: 10.0.0.1\r\nX-Real-IP: 1.2.3.4\r\n"
    wire.send(request(path="/led", extra=fields))
    assert wire.reply().status == 200
    assert f"\r\nHost: {HOST}\r\n".encode() in upstream.seen[0]
