"""Sessions of `tf run`: a token that lives as long as its connection, and what the run has counted."""

from __future__ import annotations

import json
from typing import Any

import pytest
from tests.support.clients import recorded_path, request
from tests.support.plane import CANARY, HOST, Plane, Reply, Wire, connector, rules
from tests.support.upstream import Upstream
from tests.support.waiting import wait_for

from tameflare.core.config import AgentConfig, AgentStatus
from tameflare.core.decision import Verdict


def ask(proxy: Plane, method: str, path: str, header: bytes | None = None) -> Reply:
    wire = proxy.plain()
    return wire.get(path, proxy.header() if header is None else header, method, "localhost")


def open_run(proxy: Plane, header: bytes | None = None, **asked: str) -> tuple[Wire, Reply]:
    """The session and the head of its answer."""
    body = json.dumps(asked).encode()
    wire = proxy.plain()
    credential = proxy.header() if header is None else header
    extra = credential + b"Content-Type: application/json\r\nContent-Length: %d\r\n" % len(body)
    wire.send(request("POST", "/run", extra, "localhost") + body)
    return wire, wire.head()


def started(proxy: Plane, **asked: str) -> tuple[Wire, Any]:
    wire, head = open_run(proxy, **asked)
    assert head.status == 200
    size = int(wire.until(b"\r\n"), 16)
    return wire, json.loads(wire.take(size + 2))


def counts(proxy: Plane, run: str) -> Any:
    return ask(proxy, "GET", f"/run/{run}").json


def status_with(proxy: Plane, token: str) -> int:
    """What a CONNECT with this token is answered."""
    wire = proxy.plain()
    wire.send(f"CONNECT {HOST}:443 HTTP/1.1\r\nHost: {HOST}\r\n".encode() + proxy.header(token) + b"\r\n")
    return wire.head().status


def test_a_run_is_told_what_it_needs(proxy: Plane) -> None:
    _, told = started(proxy, name="job-7", command="python agent.py")
    assert told["token"].startswith("tfr_")
    assert (told["agent"], told["gateway"]) == ("default", "main")
    assert told["connectors"] == [{"name": "service", "type": "generic"}]
    assert told["ca_pem"].encode() == (proxy.directory / "data" / "proxy" / "ca.pem").read_bytes()


def test_its_token_works_at_once_and_its_requests_are_counted(proxy: Plane, upstream: Upstream) -> None:
    proxy.publish(proxy.gateway(rules=rules(("service", "http.get", Verdict.ALLOW))), {"service": CANARY})
    _, told = started(proxy, agent="worker")
    wire = proxy.tunnel(header=proxy.header(told["token"]))
    assert [wire.get("/of-a-run").status, wire.get(method="DELETE").status] == [200, 403]
    assert counts(proxy, told["run"]) == {"allowed": 1, "denied": 1, "held": 0, "limited": 0}
    intent, _ = recorded_path(proxy, "/of-a-run")
    assert (intent.run, intent.agent) == (told["run"], "agent-2")


def test_it_dies_when_its_session_ends(proxy: Plane, upstream: Upstream) -> None:
    session, told = started(proxy)
    wire = proxy.tunnel(header=proxy.header(told["token"]))
    assert wire.get().status == 200
    session.close()
    wait_for(lambda: status_with(proxy, told["token"]) == 407, "the token of an ended run is refused")
    assert wire.get().status == 407
    assert counts(proxy, told["run"])["allowed"] == 1, "its counts can still be read"


def test_it_can_be_ended_at_once(proxy: Plane, upstream: Upstream) -> None:
    _, told = started(proxy)
    wire = proxy.tunnel(header=proxy.header(told["token"]))
    assert wire.get().status == 200
    assert ask(proxy, "DELETE", f"/run/{told['run']}").json["allowed"] == 1
    assert wire.get().status == 407
    assert status_with(proxy, told["token"]) == 407


def test_two_runs_are_counted_apart(proxy: Plane, upstream: Upstream) -> None:
    (_, one), (_, two) = started(proxy), started(proxy)
    proxy.tunnel(header=proxy.header(one["token"])).get()
    assert counts(proxy, one["run"])["allowed"] == 1
    assert counts(proxy, two["run"])["allowed"] == 0


@pytest.mark.parametrize("agent", ["nobody", "sleeper"])
def test_an_agent_that_is_not_there_is_404(proxy: Plane, agent: str) -> None:
    sleeper = AgentConfig("agent-3", "sleeper", status=AgentStatus.SUSPENDED)
    proxy.publish(proxy.gateway(agents=(AgentConfig("agent-1", "default"), sleeper)))
    wire, head = open_run(proxy, agent=agent)
    assert head.status == 404
    assert json.loads(wire.take(int(head.headers["content-length"])))["code"] == "unknown_agent"


@pytest.mark.parametrize("token", ["gwtk_wrong", "gwln_test-link-token", "tfu_x", ""])
def test_another_token_opens_no_run(proxy: Plane, token: str) -> None:
    _, head = open_run(proxy, proxy.header(token))
    assert head.status == 407
    assert ask(proxy, "GET", "/run/x", proxy.header(token)).status == 407


def test_a_run_opens_no_further_run(proxy: Plane) -> None:
    _, told = started(proxy)
    _, head = open_run(proxy, proxy.header(told["token"]))
    assert head.status == 407
    assert ask(proxy, "GET", f"/run/{told['run']}", proxy.header(told["token"])).status == 407


def test_a_run_that_was_never_opened_is_404(proxy: Plane) -> None:
    assert ask(proxy, "GET", "/run/made-up").status == 404


def test_a_changed_token_is_refused(proxy: Plane) -> None:
    _, told = started(proxy)
    token = told["token"]
    for changed in (token[:-2] + ("AA" if token[-2:] != "AA" else "BB"), token + "x", token.partition(".")[0]):
        assert status_with(proxy, changed) == 407


def test_a_run_cannot_pass_for_another_agent(proxy: Plane) -> None:
    _, told = started(proxy, agent="worker")
    wire = proxy.plain()
    header = proxy.header("default", told["token"])
    wire.send(f"CONNECT {HOST}:443 HTTP/1.1\r\nHost: {HOST}\r\n".encode() + header + b"\r\n")
    assert wire.head().status == 407


@pytest.mark.parametrize("body", [b"{", b'{"agent": 1}', b'{"level": "monitor"}', b"[]"])
def test_a_question_that_cannot_be_read_is_400(proxy: Plane, body: bytes) -> None:
    wire = proxy.plain()
    wire.send(request("POST", "/run", proxy.header() + b"Content-Length: %d\r\n" % len(body), "localhost") + body)
    assert wire.reply().status == 400


def test_a_question_that_never_ends_is_413(proxy: Plane) -> None:
    wire = proxy.plain()
    wire.send(request("POST", "/run", proxy.header() + b"Content-Length: 70000\r\n", "localhost") + bytes(70000))
    assert wire.reply().status == 413


def test_a_run_outlives_a_change_of_the_configuration(proxy: Plane, upstream: Upstream) -> None:
    _, told = started(proxy)
    wire = proxy.tunnel(header=proxy.header(told["token"]))
    proxy.publish(proxy.gateway(connector(record=("path",))), {"service": CANARY})
    assert wire.get().status == 200
    assert status_with(proxy, told["token"]) == 200
