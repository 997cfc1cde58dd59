"""Whatever the proxy lets through, the upstream understands as exactly the requests that stand on record.

Every ambiguous request goes, inside a tunnel of its own, to nginx and to two other servers. The upstreams' own logs are
then held against the proxy's records: the same requests, the same bodies, and nothing else.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import pytest
from tests.resistance.raw import exchanged
from tests.resistance.smuggling import asgi, nginx
from tests.resistance.smuggling.ambiguous import CASES, filled
from tests.resistance.smuggling.understood import Understood
from tests.support.plane import CANARY, Plane, connector, plane
from tests.support.waiting import wait_for

from tameflare.link.messages import Intent

TIMEOUTS = {"TF_HEAD_TIMEOUT": "1", "TF_CLIENT_IDLE_TIMEOUT": "1", "TF_IDLE_TIMEOUT": "2", "TF_TOTAL_TIMEOUT": "4"}
HOSTS = {"nginx": "one.example.test", "h11": "two.example.test", "httptools": "six.example.test"}
AT_ONCE = 24


class Server(Protocol):
    port: int

    def understood(self) -> list[Understood]: ...


@dataclass
class Tried:
    proxy: Plane
    servers: dict[str, Server]

    def records(self, server: str) -> list[Intent]:
        """What was let through to that server, in order."""
        found = [entry for entry in self.proxy.intents() if entry.host == HOSTS[server]]
        return [entry for entry in found if entry.verdict == "allow"]


@contextlib.contextmanager
def upstreams(directory: Path, proxy: Plane) -> Iterator[dict[str, Server]]:
    with contextlib.ExitStack() as stack:
        made: dict[str, Server] = {}
        for reader in ("h11", "httptools"):
            certificate = proxy.authority.issue_cert(HOSTS[reader])
            made[reader] = stack.enter_context(asgi.running(directory, certificate, reader))
        if nginx.PROGRAM is not None:
            certificate = proxy.authority.issue_cert(HOSTS["nginx"])
            made["nginx"] = stack.enter_context(nginx.running(directory, certificate))
        yield made


@pytest.fixture(scope="module")
def tried(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Tried]:
    """Every case has been sent to every server, and every record has come."""
    with (
        plane(tmp_path_factory.mktemp("plane")) as made,
        upstreams(tmp_path_factory.mktemp("servers"), made) as servers,
    ):
        gateway = made.gateway(connector(domains=tuple(HOSTS.values())))
        made.publish(gateway, {"service": CANARY})
        pins = [f"{HOSTS[name]}:443:127.0.0.1:{server.port}" for name, server in servers.items()]
        made.start(",".join(pins), **TIMEOUTS)
        jobs = [(name, number) for number in range(len(CASES)) for name in servers]
        with ThreadPoolExecutor(AT_ONCE) as pool:
            list(pool.map(lambda job: send(made, *job), jobs))
        for name in servers:
            last = made.tunnel(HOSTS[name]).get("/last", host=HOSTS[name])
            made.recorded(last.headers["x-tameflare-request-id"])
        yield Tried(made, servers)


def send(proxy: Plane, server: str, number: int) -> None:
    """One case in a tunnel of its own, to its end; after it comes a request that nobody could misunderstand."""
    path = f"/{number}"
    with contextlib.closing(proxy.tunnel(HOSTS[server])) as wire:
        after = f"GET {path}/after HTTP/1.1\r\nHost: {HOSTS[server]}\r\nConnection: close\r\n\r\n".encode()
        exchanged(wire, filled(CASES[number], path, HOSTS[server]) + after)


@pytest.fixture(params=list(HOSTS))
def server(request: pytest.FixtureRequest, tried: Tried) -> str:
    if request.param not in tried.servers:
        pytest.skip("nginx is not installed")
    return str(request.param)


def test_nothing_is_understood_that_is_not_on_record(tried: Tried, server: str) -> None:
    recorded = [(entry.method, entry.path) for entry in tried.records(server)]
    understood = [(entry.method, entry.target) for entry in tried.servers[server].understood()]
    assert [entry for entry in understood if entry not in recorded] == []
    assert sorted(understood) == sorted(entry for entry in recorded if entry in understood), "one of them twice"


def test_everything_that_was_answered_was_understood(tried: Tried, server: str) -> None:
    answered = {entry.request_id for entry in tried.proxy.outcomes() if entry.status == 200 and not entry.reason}
    wanted = sorted((entry.method, entry.path) for entry in tried.records(server) if entry.request_id in answered)
    understood = [(entry.method, entry.target) for entry in tried.servers[server].understood()]
    assert [entry for entry in wanted if entry not in understood] == []
    assert len(wanted) > len(CASES) / 3, "hardly anything was let through: the cases try nothing"


def test_each_case_is_refused_or_is_one_request(tried: Tried, server: str) -> None:
    """What follows a case is either asked for as well, or was body, or came behind a refusal: never anything else."""
    paths = [entry.path for entry in tried.records(server)]
    for number in range(len(CASES)):
        own = [path for path in paths if path.split("?")[0].split("/")[1].split(";")[0] == str(number)]
        assert own == sorted(set(own), key=own.index), f"case {number} was let through twice"
        assert len(own) <= 3, own


def test_the_servers_agree(tried: Tried) -> None:
    """Nothing that passes the proxy is understood differently by two servers, bodies included."""
    sights = {
        name: {
            (entry.method, entry.target, entry.body.replace(HOSTS[name], "host"))
            for entry in made.understood()
            if entry.whole
        }
        for name, made in tried.servers.items()
    }
    first, *others = sights.values()
    assert any(body for _, _, body in first)
    for other in others:
        assert first ^ other == set()


def test_the_wait_for_slow_cases_is_over(tried: Tried) -> None:
    wait_for(lambda: tried.proxy.health()["connections"] <= 1, "every connection has ended")
