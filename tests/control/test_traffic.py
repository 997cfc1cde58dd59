"""The record over HTTP: what a proxy delivered is what people read."""

from __future__ import annotations

import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from itertools import count
from typing import Any

import httpx
import msgspec
import pytest
from tests.control.records import frames, intent, outcome, pair, refusal
from tests.control.running import GATEWAYS, Running
from tests.support.waiting import wait_for

from tameflare.core.roles import Role
from tameflare.link.messages import FEED_PATH, RECORDS_PATH, Feed, Record, Snapshot

PATH = "/api/dashboard/traffic"
_epochs = count()

Deliver = Callable[..., None]


@pytest.fixture(scope="module")
def link(server: Running, owner: httpx.Client) -> httpx.Client:
    """A proxy of its own."""
    answer = owner.post("/api/dashboard/proxies", json={"name": "edge"})
    assert answer.status_code == 201, answer.text
    return server.client(answer.json()["token"])


@pytest.fixture(scope="module")
def deliver(link: httpx.Client) -> Deliver:
    def send(*records: Record) -> None:
        place = {"x-tameflare-epoch": f"e{next(_epochs)}", "x-tameflare-sequence": "0"}
        answer = link.post(RECORDS_PATH, content=frames(records), headers=place)
        assert answer.status_code == 200, answer.text

    return send


def rows(client: httpx.Client, path: str = PATH, **query: Any) -> list[dict[str, Any]]:
    answer = client.get(path, params=query)
    assert answer.status_code == 200, answer.text
    items: list[dict[str, Any]] = answer.json()["items"]
    return items


def names(client: httpx.Client, path: str = PATH, **query: Any) -> list[str]:
    return [row["request_id"] for row in rows(client, path, **query)]


def test_a_row_tells_everything_in_the_words_of_the_api(owner: httpx.Client, deliver: Deliver) -> None:
    deliver(*pair("whole"))
    (row,) = rows(owner, request_id="whole")
    assert row.pop("id") > 0
    assert row.pop("proxy").startswith("prx")
    assert row == {
        "request_id": "whole",
        "time": 1_790_000_000.5,
        "gateway": "gtw_1",
        "gateway_id": "gtw_1",
        "agent": "agt_1",
        "agent_id": "agt_1",
        "run": "run_1",
        "connector": "github",
        "action": "github.pr.merge",
        "actions": [{"type": "github.pr.merge", "risk": "high", "effect": "write", "parameters": {"base": "main"}}],
        "method": "PUT",
        "scheme": "https",
        "host": "api.github.com",
        "port": 443,
        "path": "/repos/octo/hello/pulls/7/merge",
        "content_type": "application/json",
        "user_agent": "PyGithub/2.6",
        "decision": "allow",
        "reason": "rule_allow",
        "decision_reason": "rule_allow",
        "message": "allowed by an access rule",
        "matched": ["rule github.pr.*"],
        "would_be": "allow",
        "enforced": True,
        "level": "full_enforce",
        "flags": [],
        "configuration": 42,
        "status": 200,
        "latency_ms": 83.211,
        "overhead_ms": 0.14,
        "bytes_in": 312,
        "bytes_out": 1841,
        "complete": True,
    }


def test_the_reason_is_the_fault_that_followed_the_decision(owner: httpx.Client, deliver: Deliver) -> None:
    deliver(intent("late"), outcome("late", status=504, reason="upstream_timeout"))
    (row,) = rows(owner, request_id="late")
    assert (row["decision"], row["reason"], row["decision_reason"]) == ("allow", "upstream_timeout", "rule_allow")


def test_a_request_without_its_outcome_is_shown_as_incomplete(owner: httpx.Client, deliver: Deliver) -> None:
    deliver(intent("running"))
    assert [(row["complete"], row["status"]) for row in rows(owner, request_id="running")] == [(False, 0)]


def test_gateways_and_agents_have_their_names(owner: httpx.Client, deliver: Deliver) -> None:
    gateway = owner.post(GATEWAYS, json={"name": "prod"}).json()
    agent = owner.post(f"{GATEWAYS}/prod/agents", json={"name": "deployer"}).json()
    deliver(refusal("named", gateway=gateway["id"], agent=agent["id"]))
    (row,) = rows(owner, request_id="named")
    assert (row["gateway"], row["agent"]) == ("prod", "deployer")
    assert (row["gateway_id"], row["agent_id"]) == (gateway["id"], agent["id"])
    for query in ({"agent": "deployer"}, {"agent": agent["id"]}, {"gateway": "prod"}, {"gateway": gateway["id"]}):
        assert names(owner, **query) == ["named"]
    assert names(owner, agent="nobody") == []
    owner.delete(f"{GATEWAYS}/prod")
    assert rows(owner, request_id="named")[0]["agent"] == agent["id"]


def test_filters(owner: httpx.Client, deliver: Deliver) -> None:
    deliver(refusal("f1", agent="agt_f", time=1_900_000_000.0), *pair("f2"))
    assert names(owner, agent="agt_f", decision="deny") == ["f1"]
    assert names(owner, agent="agt_f", decision="allow") == []
    assert names(owner, since=1_899_999_999) == ["f1"]
    assert names(owner, agent="agt_f", action="github.*") == ["f1"]
    assert names(owner, agent="agt_f", action="stripe.*") == []


def test_pages_join_without_holes_or_doubles(owner: httpx.Client, deliver: Deliver) -> None:
    deliver(*(refusal(f"p{number}", agent="agt_p") for number in range(7)))
    found: list[str] = []
    cursor: str | None = None
    while True:
        query = {"agent": "agt_p", "limit": 3, **({"cursor": cursor} if cursor else {})}
        page = owner.get(PATH, params=query).json()
        found += [row["request_id"] for row in page["items"]]
        cursor = page["next_cursor"]
        if cursor is None:
            break
    assert found == [f"p{number}" for number in reversed(range(7))]


def test_the_tail_wakes_when_records_come(server: Running, owner: httpx.Client, deliver: Deliver) -> None:
    deliver(*pair("t0"))
    after = rows(owner, limit=1)[0]["id"]
    with ThreadPoolExecutor(1) as pool:
        waiting = pool.submit(names, owner, f"{PATH}/tail", after=after, wait=20)
        wait_for(lambda: bool(server.services.intake.arrivals._waiting), "the tail waits")
        begun = time.monotonic()
        deliver(*pair("t1"), intent("t2"))
        assert waiting.result() == ["t1"]
        assert time.monotonic() - begun < 1
    deliver(outcome("t2"))
    assert names(owner, f"{PATH}/tail", after=after) == ["t1", "t2"]
    assert names(owner, f"{PATH}/tail", after=after, action="stripe.*") == []


def test_only_people_read_the_record(server: Running, owner: httpx.Client, link: httpx.Client) -> None:
    viewer = server.person(Role.VIEWER)
    for path in (PATH, f"{PATH}/tail"):
        assert server.client().get(path).status_code == 401
        assert link.get(path).status_code == 401
        assert viewer.get(path).status_code == 200


@pytest.mark.parametrize("query", [{"limit": 0}, {"limit": 1001}, {"cursor": "x"}, {"cursor": -1}, {"since": "noon"}])
def test_queries_that_make_no_sense_are_refused(owner: httpx.Client, query: dict[str, Any]) -> None:
    answer = owner.get(PATH, params=query)
    assert (answer.status_code, answer.json()["code"]) == (422, "invalid")


def test_a_change_of_the_configuration_reaches_the_proxy_within_a_second(
    server: Running, owner: httpx.Client, link: httpx.Client
) -> None:
    def poll(cursor: int, wait: int) -> Feed:
        return msgspec.json.decode(link.get(FEED_PATH, params={"cursor": cursor, "wait": wait}).content, type=Feed)

    first = poll(0, 0)
    with ThreadPoolExecutor(1) as pool:
        waiting = pool.submit(poll, first.cursor, 20)
        wait_for(lambda: bool(server.services.feed._bell._waiting), "the poll waits")
        begun = time.monotonic()
        owner.post(GATEWAYS, json={"name": "fresh"})
        feed = waiting.result()
        assert time.monotonic() - begun < 1
    (snapshot,) = (entry.message for entry in feed.entries)
    assert isinstance(snapshot, Snapshot)
    assert b'"fresh"' in snapshot.configuration
    seen = next(proxy for proxy in owner.get("/api/dashboard/proxies").json()["items"] if proxy["name"] == "edge")
    assert seen["version"] == snapshot.version
