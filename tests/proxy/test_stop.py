"""The stop: what is in flight may end, the rest is cut, and every record is kept."""

from __future__ import annotations

import signal
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.support.clients import Gate, request
from tests.support.plane import HOST, Plane, plane
from tests.support.upstream import Talk, Upstream, answer
from tests.support.waiting import PATIENCE

from tameflare.link.messages import Outcome


@pytest.fixture
def running(tmp_path: Path) -> Iterator[tuple[Plane, Upstream]]:
    with plane(tmp_path) as made:
        double = Upstream(made.authority.issue_cert(HOST))
        with double.running():
            made.simple()
            made.start(f"{HOST}:443:127.0.0.1:{double.port}", TF_STOP_TIMEOUT="2")
            yield made, double


def outcomes(proxy: Plane) -> dict[str, Outcome]:
    return {entry.request_id: entry for entry in proxy.outcomes()}


def ended(proxy: Plane) -> int:
    assert proxy.process is not None
    code = proxy.process.wait(PATIENCE)
    proxy.process = None
    return code


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_request_in_flight_is_answered(running: tuple[Plane, Upstream], number: signal.Signals) -> None:
    proxy, upstream = running
    begun, stopping = Gate(), Gate()

    async def script(talk: Talk) -> None:
        await talk.head()
        begun.open()
        await stopping.wait(talk)
        await talk.say(answer(b"late"))
        await talk.gone()

    upstream.script = script
    idle, wire = proxy.tunnel(), proxy.tunnel()
    wire.send(request(path="/in-flight"))
    begun.passed()
    assert proxy.process is not None
    proxy.process.send_signal(number)
    assert idle.rest() == b"", "an idle connection is closed at once"
    stopping.open()
    reply = wire.reply()
    assert (reply.status, reply.body, reply.headers["connection"]) == (200, b"late", "close")
    assert wire.rest() == b""
    assert ended(proxy) == 0
    assert outcomes(proxy)[reply.headers["x-tameflare-request-id"]].reason == ""


def test_what_does_not_end_in_time_is_cut_and_on_record(running: tuple[Plane, Upstream]) -> None:
    proxy, upstream = running

    async def script(talk: Talk) -> None:
        await talk.head()
        await talk.say(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n6\r\nhello\n\r\n")
        await talk.gone()

    upstream.script = script
    wire = proxy.tunnel()
    wire.send(request(path="/endless"))
    request_id = wire.head().headers["x-tameflare-request-id"]
    assert proxy.process is not None
    proxy.process.terminate()
    assert wire.rest() == b"6\r\nhello\n\r\n", "no last chunk: the agent sees the cut"
    assert ended(proxy) == 0
    assert outcomes(proxy)[request_id].reason == "shutting_down"


def test_nothing_is_accepted_any_more(running: tuple[Plane, Upstream]) -> None:
    proxy, upstream = running
    begun = Gate()

    async def script(talk: Talk) -> None:
        await talk.head()
        begun.open()
        await talk.gone()

    upstream.script = script
    idle, wire = proxy.tunnel(), proxy.tunnel()
    wire.send(request())
    begun.passed()
    assert proxy.process is not None
    proxy.process.terminate()
    assert idle.rest() == b""
    with pytest.raises(ConnectionError):
        proxy.plain()
    assert ended(proxy) == 0


def test_everything_that_was_answered_is_delivered(running: tuple[Plane, Upstream]) -> None:
    proxy, _ = running
    wire = proxy.tunnel()
    wire.send(b"".join(request(path=f"/{at}") for at in range(100)))
    ids = [wire.reply().headers["x-tameflare-request-id"] for _ in range(100)]
    assert proxy.stop() == 0
    assert set(ids) <= outcomes(proxy).keys()
    assert len(proxy.intents()) == 100


def test_a_proxy_without_a_connection_stops_at_once(running: tuple[Plane, Upstream]) -> None:
    proxy, _ = running
    assert proxy.stop() == 0
    assert "Traceback" not in proxy.log
