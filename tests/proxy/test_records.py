"""A request goes upstream only after its decision is on the disk, and not at all where it cannot be."""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from tests.support.clients import post, request
from tests.support.plane import HOST, Plane, Reply, Wire, plane
from tests.support.upstream import Talk, Upstream, answer
from tests.support.waiting import wait_for

from tameflare.link.messages import Intent, Outcome, Record
from tameflare.link.spool import decode, payloads
from tameflare.proxy.segments import segments

CAP = "8192"
LARGE_AGENT = b"User-Agent: " + b"x" * 256 + b"\r\n"


def on_disk(plane: Plane) -> list[Record]:
    """Every record in the spool of a proxy."""
    found = []
    for segment in segments(plane.directory / "data" / "proxy" / "spool"):
        found += [decode(payload) for _, payload in payloads(Path(segment.path).read_bytes())]
    return found


@contextmanager
def undelivered(directory: Path, **environment: str) -> Iterator[tuple[Plane, Upstream]]:
    """A proxy whose control plane takes no record, with room for a few."""
    with plane(directory) as made:
        made.link.taking = lambda sequence, count: (0, 503)
        double = Upstream(made.authority.issue_cert(HOST))
        with double.running():
            made.simple()
            made.start(f"{HOST}:443:127.0.0.1:{double.port}", **environment)
            yield made, double


def fill(wire: Wire, extra: bytes = LARGE_AGENT) -> Reply:
    """Ask until there is no room for a further record of that kind: the first answer that says so."""
    for _ in itertools.repeat(None, 200):
        reply = wire.get("/", extra)
        if reply.status != 200:
            return reply
    raise AssertionError("the spool never filled")


def metric(proxy: Plane, name: str) -> float:
    page = proxy.plain().get("/metrics", host="localhost").body.decode()
    found = re.search(rf"^{re.escape(name)} (\S+)$", page, re.MULTILINE)
    return float(found[1]) if found else 0.0


def test_the_decision_is_on_disk_before_the_upstream_sees_a_byte(proxy: Plane, upstream: Upstream) -> None:
    proxy.link.taking = lambda sequence, count: (0, 503)
    before: list[Record] = []

    async def script(talk: Talk) -> None:
        await talk.reader.readexactly(1)
        before.extend(on_disk(proxy))
        await talk.reader.readuntil(b"\r\n\r\n")
        await talk.say(answer())

    upstream.script = script
    reply = proxy.tunnel().get("/watched")
    assert reply.status == 200
    (intent,) = (entry for entry in before if isinstance(entry, Intent) and entry.path == "/watched")
    assert intent.request_id == reply.headers["x-tameflare-request-id"]
    assert not any(isinstance(entry, Outcome) and entry.request_id == intent.request_id for entry in before)
    proxy.link.taking = lambda sequence, count: (count, 200)
    proxy.recorded(intent.request_id)


def test_each_of_many_pipelined_requests_has_both_records(proxy: Plane, upstream: Upstream) -> None:
    wire = proxy.tunnel()
    wire.send(b"".join(request(path=f"/many/{at}") for at in range(40)))
    ids = [wire.reply().headers["x-tameflare-request-id"] for _ in range(40)]
    assert len(set(ids)) == 40
    for request_id in ids:
        _, outcome = proxy.recorded(request_id)
        assert outcome is not None
        assert outcome.status == 200


def test_a_full_spool_refuses_and_nothing_reaches_the_upstream(tmp_path: Path) -> None:
    with undelivered(tmp_path, TF_SPOOL_MAX_BYTES=CAP) as (proxy, upstream):
        wire = proxy.tunnel()
        reply = fill(wire)
        assert (reply.status, reply.json["code"]) == (503, "record_unavailable")
        fill(wire, b"")
        asked, connections = len(upstream.seen), upstream.connections
        assert post(wire, bytes(1 << 20)).status == 503
        assert wire.get().status == 503, "the connection lives on, and each request is refused"
        assert (len(upstream.seen), upstream.connections) == (asked, connections)
        health = proxy.health()
        assert (health["status"], health["problems"] != []) == ("degraded", True)


def test_what_was_refused_for_want_of_a_record_is_not_counted_as_let_through(tmp_path: Path) -> None:
    with undelivered(tmp_path, TF_SPOOL_MAX_BYTES=CAP) as (proxy, _):
        wire = proxy.tunnel()
        refused = fill(wire).headers["x-tameflare-request-id"]
        allowed = metric(proxy, 'tameflare_requests_total{decision="allow"}')
        wire.close()
        assert metric(proxy, 'tameflare_requests_denied_total{reason="record_unavailable"}') == 1
        assert metric(proxy, 'tameflare_requests_total{decision="allow"}') == allowed
        recorded = [entry for entry in on_disk(proxy) if entry.request_id == refused]
        assert all(isinstance(entry, Intent) and entry.final for entry in recorded)


def test_a_spool_that_drains_lets_requests_through_again(tmp_path: Path) -> None:
    with undelivered(tmp_path, TF_SPOOL_MAX_BYTES=CAP) as (proxy, _):
        wire = proxy.tunnel()
        fill(wire)
        proxy.link.taking = lambda sequence, count: (count, 200)
        reply = next(reply for reply in (wire.get() for _ in itertools.count()) if reply.status == 200)
        proxy.recorded(reply.headers["x-tameflare-request-id"])


def test_what_was_let_go_has_room_for_its_outcome(tmp_path: Path) -> None:
    with undelivered(tmp_path, TF_SPOOL_MAX_BYTES=CAP) as (proxy, upstream):
        fill(proxy.tunnel(), b"")
        found = on_disk(proxy)
        let_go = {entry.request_id for entry in found if isinstance(entry, Intent) and not entry.final}
        ended = {entry.request_id for entry in found if isinstance(entry, Outcome)}
        assert let_go == ended
        assert len(let_go) == len(upstream.seen)


def test_the_operator_may_prefer_requests_to_records(tmp_path: Path) -> None:
    with undelivered(tmp_path, TF_SPOOL_MAX_BYTES=CAP, TF_SPOOL_FULL="allow") as (proxy, upstream):
        wire = proxy.tunnel()
        assert [wire.get("/filling", LARGE_AGENT).status for _ in range(60)] == [200] * 60
        assert len(upstream.seen) == 60
        assert metric(proxy, "tameflare_records_refused_total") > 0


@pytest.mark.parametrize("killed", [False, True])
def test_what_was_answered_is_on_record_after_the_end(tmp_path: Path, killed: bool) -> None:
    """A crash may cost the outcome of a request whose answer was on its way, never the record of its decision."""
    with undelivered(tmp_path) as (proxy, upstream):
        pins = f"{HOST}:443:127.0.0.1:{upstream.port}"
        wire = proxy.tunnel()
        ids = [wire.get(f"/{at}").headers["x-tameflare-request-id"] for at in range(20)]
        wire.close()
        assert proxy.stop(9 if killed else 15) == (-9 if killed else 0)
        proxy.link.taking = lambda sequence, count: (count, 200)
        proxy.start(pins)
        for request_id in ids[:-1] if killed else ids:
            proxy.recorded(request_id)
        wait_for(lambda: len(proxy.intents()) == len(ids), "every decision is on record")
        assert len({entry.request_id for entry in proxy.intents()}) == len(proxy.intents()) == 20
