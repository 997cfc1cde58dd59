"""Limits per agent and of the proxy as a whole, against a running proxy: who is at a limit is told, others are not."""

from __future__ import annotations

import contextlib
import json
import os
import resource
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from tests.proxy.flying import Flying, flying, publish
from tests.support import flights
from tests.support.clients import is_closed, request
from tests.support.flights import FORM, Begin
from tests.support.plane import HOST, Plane, Reply, Wire, rules
from tests.support.upstream import Talk
from tests.support.waiting import wait_for

from tameflare.core.config import AgentConfig
from tameflare.core.decision import Verdict
from tameflare.core.killswitch import KillSwitch, ScopeKind
from tameflare.link.messages import Intent

TUNNELS, BUFFERED, HELD, STRANGERS, CONNECTIONS = 6, 300_000, 3, 20, 60
ENVIRONMENT = {
    "TF_MAX_TUNNELS": str(TUNNELS),
    "TF_MAX_BUFFERED": str(BUFFERED),
    "TF_MAX_HELD_REQUESTS": str(HELD),
    "TF_MAX_UNAUTHENTICATED": str(STRANGERS),
    "TF_MAX_CONNECTIONS": str(CONNECTIONS),
}


@pytest.fixture(scope="module")
def pair(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Flying]:
    with flying(tmp_path_factory.mktemp("plane"), **ENVIRONMENT) as made:
        yield made


@pytest.fixture
def proxy(pair: Flying) -> Iterator[Plane]:
    """Nothing is taken before a test, nor after it."""
    made, double, _ = pair
    double.script = polite
    publish(made)
    wait_for(lambda: nothing_taken(made), "what the last test took is given back")
    yield made
    made.hang_up()
    wait_for(lambda: nothing_taken(made), "everything is given back")


async def polite(talk: Talk) -> None:
    """Reads bodies of stated length and answers."""
    while True:
        head = await talk.head()
        size = next((line for line in head.split(b"\r\n") if line.lower().startswith(b"content-length:")), b":0")
        await talk.body(int(size.partition(b":")[2]))
        await talk.say(b"HTTP/1.1 204 No Content\r\n\r\n")


def metric(proxy: Plane, name: str) -> float:
    wire = proxy.plain()
    with contextlib.closing(wire):
        page = wire.get("/metrics", host="localhost").body.decode()
    return float(next(line.split()[1] for line in page.splitlines() if line.startswith(f"tameflare_{name} ")))


def nothing_taken(proxy: Plane) -> bool:
    """Only the connection that asks is there."""
    return metric(proxy, "buffered_bytes") == 0 and metric(proxy, "active_connections") == 1


def worker(proxy: Plane) -> bytes:
    return proxy.header("worker", proxy.token)


def connect(proxy: Plane, header: bytes) -> Reply:
    wire = proxy.plain()
    wire.send(f"CONNECT {HOST}:443 HTTP/1.1\r\nHost: {HOST}:443\r\n".encode() + header + b"\r\n")
    head = wire.head()
    if "content-length" in head.headers:
        head.body = wire.take(int(head.headers["content-length"]))
    return head


def limited(proxy: Plane) -> list[Intent]:
    return [each for each in proxy.intents() if each.reason == "agent_limit"]


def fill(proxy: Plane, header: bytes) -> list[Wire]:
    return [proxy.connect(header=header) for _ in range(TUNNELS)]


def test_tunnels_over_the_limit_are_refused_and_others_are_not_hindered(proxy: Plane) -> None:
    refused_before = metric(proxy, "agent_limit_tunnels_total")
    fill(proxy, worker(proxy))
    refused = connect(proxy, worker(proxy))
    assert (refused.status, refused.json["reason"]) == (429, "agent_limit")
    assert f"{TUNNELS} connections open (TF_MAX_TUNNELS)" in refused.json["message"]
    assert metric(proxy, "agent_limit_tunnels_total") == refused_before + 1
    assert proxy.tunnel().get().status == 204
    intent = wait_for(lambda: [each for each in limited(proxy) if each.method == "CONNECT"], "a record")[0]
    assert (intent.host, intent.status, intent.final) == (HOST, 429, True)


def test_a_tunnel_that_ends_makes_room(proxy: Plane) -> None:
    wires = fill(proxy, worker(proxy))
    wires[0].close()
    wait_for(lambda: connect(proxy, worker(proxy)).status == 200, "room")


def test_requests_without_a_tunnel_and_runs_count_as_connections(proxy: Plane) -> None:
    header = worker(proxy)
    for _ in range(TUNNELS - 1):
        proxy.connect(header=header)
    session = proxy.plain()
    ask = b'{"agent":"worker"}'
    session.send(request("POST", "/run", proxy.header() + b"Content-Length: %d\r\n" % len(ask), "localhost") + ask)
    assert session.head().status == 200
    wire = proxy.plain()
    wire.send(f"GET http://{HOST}/ HTTP/1.1\r\nHost: {HOST}\r\n".encode() + header + b"\r\n")
    refused = wire.reply()
    assert (refused.status, refused.json["reason"]) == (429, "agent_limit")
    assert wire.rest() == b""
    again = proxy.plain()
    again.send(request("POST", "/run", proxy.header() + b"Content-Length: %d\r\n" % len(ask), "localhost") + ask)
    assert (again.head().status, again.rest() != b"") == (429, True)


def test_a_connection_that_changes_its_agent_is_counted_on_the_new_one(pair: Flying, proxy: Plane) -> None:
    """A proxy in between could do that with requests that have no tunnel."""
    pair[2].script = polite
    wire = proxy.plain()
    for header in (worker(proxy), proxy.header()):
        wire.send(f"GET http://{HOST}/ HTTP/1.1\r\nHost: {HOST}\r\n".encode() + header + b"\r\n")
        assert wire.reply().status == 204
    fill(proxy, worker(proxy))
    for _ in range(TUNNELS - 1):
        proxy.connect()
    assert connect(proxy, proxy.header()).status == 429


def test_a_refusal_record_is_not_made_without_end(proxy: Plane) -> None:
    """As many a minute as the agent may have requests; the rest is only counted."""
    publish(proxy, rate_limit_per_minute=5, agents=(AgentConfig("agent-9", "many"), AgentConfig("agent-1", "default")))
    many = proxy.header("many", proxy.token)
    fill(proxy, many)
    for _ in range(30):
        assert connect(proxy, many).status == 429
    proxy.recorded(proxy.tunnel().get("/marker").headers["x-tameflare-request-id"])
    assert len([each for each in limited(proxy) if each.agent == "agent-9"]) == 5


# --- bytes


def test_refusals_for_bytes_are_not_recorded_without_end_either(proxy: Plane) -> None:
    publish(proxy, rate_limit_per_minute=5, agents=(AgentConfig("agent-8", "big"), AgentConfig("agent-1", "default")))
    wire = proxy.tunnel(header=proxy.header("big", proxy.token))
    for _ in range(20):
        wire.send(request("POST", extra=FORM + b"Content-Length: 400000\r\n") + b"a" * 400_000)
        assert wire.reply().status == 429
    proxy.recorded(proxy.tunnel().get("/marker").headers["x-tameflare-request-id"])
    assert len([each for each in limited(proxy) if each.agent == "agent-8"]) == 5


def begin_body(proxy: Plane, header: bytes, size: int) -> Wire:
    """A body that must be judged, all of it sent but its last byte."""
    wire = proxy.tunnel(header=header)
    wire.send(request("POST", extra=FORM + b"Content-Length: %d\r\n" % (size + 1)) + b"a" * size)
    return wire


def buffered(proxy: Plane, size: int) -> None:
    wait_for(lambda: metric(proxy, "buffered_bytes") == size, f"{size} bytes are kept")


def test_bytes_over_the_limit_are_refused_in_the_vendors_shape(proxy: Plane) -> None:
    begin_body(proxy, worker(proxy), 200_000)
    buffered(proxy, 200_000)
    refused = begin_body(proxy, worker(proxy), 150_000)
    answer = refused.reply()
    assert (answer.status, answer.json["reason"]) == (429, "agent_limit")
    assert "x-tameflare-request-id" in answer.headers
    buffered(proxy, 200_000)
    refused.send(b"a")
    assert refused.get().status == 204, "the connection lives on"
    other = begin_body(proxy, proxy.header(), 250_000)
    buffered(proxy, 450_000)
    other.send(b"a")
    assert other.reply().status == 204
    buffered(proxy, 200_000)


def test_a_body_is_given_back_when_its_request_has_ended(proxy: Plane) -> None:
    wire = proxy.tunnel()
    for _ in range(5):
        wire.send(request("POST", extra=FORM + b"Content-Length: 250000\r\n") + b"a" * 250_000)
        assert wire.reply().status == 204
        buffered(proxy, 0)


def answered(proxy: Plane, wire: Wire) -> None:
    wire.send(b"a")
    assert wire.reply().status == 204


def denied(proxy: Plane, wire: Wire) -> None:
    publish(proxy, rules=rules(("service", "**", Verdict.DENY)))
    wire.send(b"a")
    assert wire.reply().status == 403


def agent_gone(proxy: Plane, wire: Wire) -> None:
    wire.close()


def killed(proxy: Plane, wire: Wire) -> None:
    publish(proxy, (KillSwitch(ScopeKind.ALL),))
    assert wire.reply().status == 403


def nonsense(proxy: Plane, wire: Wire) -> None:
    """What follows the body is no request."""
    wire.send(b"a\0\0\r\n\r\n")
    wire.rest()


@pytest.mark.parametrize("end", [answered, denied, agent_gone, killed, nonsense])
def test_every_end_of_a_judged_body_gives_it_back(proxy: Plane, end: Callable[[Plane, Wire], None]) -> None:
    wire = begin_body(proxy, proxy.header(), 100_000)
    buffered(proxy, 100_000)
    end(proxy, wire)
    buffered(proxy, 0)


def test_a_chunked_body_that_breaks_gives_it_back(proxy: Plane) -> None:
    wire = proxy.tunnel()
    wire.send(request("POST", extra=FORM + b"Transfer-Encoding: chunked\r\n") + b"3e8\r\n" + b"a" * 1000 + b"\r\n")
    buffered(proxy, 1000)
    wire.send(b"zz\r\n")
    assert wire.reply().status == 400
    buffered(proxy, 0)


@pytest.mark.parametrize("begin", flights.ALL.values(), ids=flights.ALL.keys())
def test_every_kind_of_request_that_is_cut_gives_its_connection_back(pair: Flying, proxy: Plane, begin: Begin) -> None:
    for _ in range(TUNNELS + 1):
        begin(*pair, proxy.header()).wire.close()
        wait_for(lambda: nothing_taken(proxy), "it is given back")
    pair[1].script = polite
    assert proxy.tunnel().get().status == 204


# --- requests that wait for people


def test_held_requests_over_the_limit_are_refused_and_make_room_when_they_end(pair: Flying, proxy: Plane) -> None:
    waiting = [flights.held(*pair, worker(proxy)) for _ in range(HELD)]
    wire = proxy.tunnel(header=worker(proxy))
    refused = wire.get(method="DELETE")
    assert (refused.status, refused.json["reason"]) == (429, "agent_limit")
    assert "wait for people already (TF_MAX_HELD_REQUESTS)" in refused.json["message"]
    assert wire.get().status == 204
    flights.held(*pair, proxy.header())
    waiting[0].wire.close()
    wait_for(lambda: metric(proxy, "approvals_pending") == HELD, "one has left")
    flights.held(*pair, worker(proxy))


# --- connections without a token, and all of them


def test_many_slow_strangers_keep_nobody_out(proxy: Plane) -> None:
    """Slow loris over many connections: half a head each, three times as many as may be."""
    evicted = metric(proxy, "connections_evicted_total")
    tunnel = proxy.tunnel()
    strangers = []
    for _ in range(STRANGERS * 3):
        strangers.append(proxy.plain())
        strangers[-1].send(b"CONNECT api.example.test:443 HTTP/1.1\r\nHost: ")
    assert tunnel.get().status == 204
    assert proxy.tunnel(header=worker(proxy)).get().status == 204, "a new one comes in as well"
    assert metric(proxy, "unauthenticated_connections") <= STRANGERS
    assert metric(proxy, "connections_evicted_total") >= evicted + STRANGERS * 2
    assert is_closed(strangers[0])


def test_no_more_connections_than_may_be(proxy: Plane) -> None:
    agents = CONNECTIONS // TUNNELS
    publish(proxy, agents=tuple(AgentConfig(f"id-{at}", f"n{at}") for at in range(agents + 1)))
    wires = [wire for at in range(agents) for wire in fill(proxy, proxy.header(f"n{at}", proxy.token))]
    refused = proxy.plain()
    assert b"503 Service Unavailable" in (told := refused.rest())
    assert json.loads(told.partition(b"\r\n\r\n")[2])["code"] == "too_many_connections"
    for wire in wires[:2]:
        wire.close()
    wait_for(lambda: connect(proxy, proxy.header(f"n{agents}", proxy.token)).status == 200, "room")


def test_connections_are_fewer_where_few_files_may_be_open(tmp_path: Path) -> None:
    with flying(tmp_path, TF_MAX_CONNECTIONS="1000000000") as (proxy, _, _):
        assert proxy.process is not None
        files, _ = resource.prlimit(proxy.process.pid, resource.RLIMIT_NOFILE)
        assert metric(proxy, "connections_max") == files * 3 // 8


def cpu_seconds(pid: int) -> float:
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def test_a_proxy_that_may_open_no_more_files_lives_on(tmp_path: Path) -> None:
    """It neither dies, nor spins, nor stops to listen: when files are to be had again it serves as before."""
    with flying(tmp_path) as (proxy, double, _):
        double.script = polite
        assert proxy.process is not None
        tunnel = proxy.tunnel()
        assert tunnel.get().status == 204
        pid = proxy.process.pid
        before = resource.prlimit(pid, resource.RLIMIT_NOFILE)
        resource.prlimit(pid, resource.RLIMIT_NOFILE, (len(list(Path(f"/proc/{pid}/fd").iterdir())) + 2, before[1]))
        try:
            waiting = [proxy.plain() for _ in range(20)]
            for wire in waiting:
                with contextlib.suppress(OSError):
                    wire.send(b"GET /health HTTP/1.1\r\nHost: localhost\r\n\r\n")
            assert tunnel.get().status == 204, "what is open goes on"
            spent, until = cpu_seconds(pid), time.monotonic() + 1.0
            while time.monotonic() < until:
                time.sleep(0.05)
            assert cpu_seconds(pid) - spent < 0.5, "it does not spin"
            assert proxy.process.poll() is None
        finally:
            resource.prlimit(pid, resource.RLIMIT_NOFILE, before)
        for wire in waiting:
            wire.close()
        wait_for(lambda: serves(proxy), "it serves again")


def serves(proxy: Plane) -> bool:
    with contextlib.suppress(OSError, EOFError):
        return proxy.tunnel().get().status == 204
    return False
