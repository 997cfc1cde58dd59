"""`POST /api/v1/actions` and what can be looked at afterwards."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from tests.control.decisions.asking import ACTIONS, EMAIL, Place

from tameflare.control.store import actions
from tameflare.core.action_states import TOKEN_SECONDS
from tameflare.core.canonical import spec_hash
from tameflare.core.token import SKEW


def test_a_decision_has_the_shape_that_programs_rely_on(place: Place) -> None:
    place.rule("email.*", "allow")
    found = place.ask()
    token = found.pop("decision_token")
    assert token.count(".") == 2
    assert found.pop("action_request_id").startswith("act_")
    assert found == {
        "status": "allowed",
        "decision": "allow",
        "would_be": "allow",
        "enforced": True,
        "reason": "rule_allow",
        "message": "`email.send` is allowed",
        "risk_score": 50,
        "matched_policies": [],
        "matched": ["rule:custom:email.*"],
        "spec_hash": spec_hash("email.send", {"to": "ada@example.com"}, {"subject": "Hello"}),
        "expires_at": int(place.server.clock()) + TOKEN_SECONDS,
    }


def test_what_nobody_allowed_is_denied_and_answered_with_200(place: Place) -> None:
    found = place.ask()
    assert (found["status"], found["decision"], found["reason"]) == ("denied", "deny", "no_rule")
    assert "decision_token" not in found
    assert found["expires_at"] is None


def test_a_level_that_lets_through_says_what_would_have_been(place: Place) -> None:
    place.change(level="monitor")
    found = place.ask()
    assert (found["status"], found["decision"], found["would_be"]) == ("allowed", "allow", "deny")
    assert found["enforced"] is False


def test_an_action_can_be_looked_at_by_its_agent_alone(place: Place) -> None:
    place.rule("email.*", "allow")
    asked = place.ask()
    found = place.get(asked["action_request_id"])
    assert {name: found[name] for name in asked} == asked
    assert (found["type"], found["resource"], found["connector"]) == ("email.send", EMAIL["resource"], "custom")
    place.add_agent("other")
    other = place.server.client(place.make_key("other")["key"])
    answer = other.get(f"{ACTIONS}/{asked['action_request_id']}")
    assert answer.status_code == 404
    assert answer.json()["message"] == other.get(f"{ACTIONS}/act_none").json()["message"].replace(
        "act_none", asked["action_request_id"]
    )
    assert other.get(ACTIONS).json() == {"items": [], "next_cursor": None}


def test_pages_are_newest_first_and_miss_nothing(place: Place) -> None:
    asked = [place.ask(parameters={"number": number})["action_request_id"] for number in range(5)]
    seen: list[str] = []
    cursor: str | None = None
    while True:
        page = place.client.get(ACTIONS, params={"limit": 2} | ({"cursor": cursor} if cursor else {})).json()
        seen += [item["action_request_id"] for item in page["items"]]
        cursor = page["next_cursor"]
        if cursor is None:
            break
    assert seen == asked[::-1]
    denied = place.client.get(ACTIONS, params={"status": "denied", "limit": 3}).json()
    assert len(denied["items"]) == 3
    assert place.client.get(ACTIONS, params={"status": "executed"}).json()["items"] == []
    assert place.client.get(ACTIONS, params={"cursor": "elsewhere"}).status_code == 422


FAULTY: dict[str, tuple[Any, set[str]]] = {
    "all at once": (
        {"type": "x", "resource": [], "parameters": 1, "risk_hints": [], "more": 1, "connector": "a b"},
        {"type", "resource", "parameters", "risk_hints", "more", "connector"},
    ),
    "no type": ({}, {"type"}),
    "a type in capitals": ({"type": "GitHub.pr.merge"}, {"type"}),
    "a type with a blank": ({"type": "email. send"}, {"type"}),
    "a large integer": ({"type": "a.b", "parameters": {"n": [2**53 + 1]}}, {"parameters.n.0"}),
    "a risk that is none": ({"type": "a.b", "risk_hints": {"risk": "none"}}, {"risk_hints.risk"}),
    "a score that is none": ({"type": "a.b", "risk_hints": {"risk_score": True}}, {"risk_hints.risk_score"}),
    "said twice": (
        {"type": "github.pr.merge", "resource": {"repo": "a"}, "parameters": {"repo": "b"}},
        {"parameters.repo"},
    ),
    "spelt twice": (
        {"type": "github.pr.merge", "parameters": {"pr_number": 1, "pull_number": 2}},
        {"parameters.pr_number"},
    ),
    "a list": ([], {""}),
}


@pytest.mark.parametrize(("body", "fields"), FAULTY.values(), ids=FAULTY)
def test_every_fault_is_told_in_one_answer(place_of_faults: Place, body: Any, fields: set[str]) -> None:
    for path in (ACTIONS, f"{ACTIONS}/dry-run"):
        answer = place_of_faults.client.post(path, json=body)
        assert answer.status_code == 422, answer.text
        assert {fault["field"] for fault in answer.json()["faults"]} == fields


RAW = {
    "a name twice": b'{"type": "a.b", "type": "a.c"}',
    "not a number": b'{"type": "a.b", "parameters": {"n": NaN}}',
    "half a character": b'{"type": "a.b", "parameters": {"n": "\\ud800"}}',
    "no JSON": b"type=a.b",
    "not UTF-8": b'{"type": "\xff"}',
    "a mark before it": b'\xef\xbb\xbf{"type": "a.b"}',
    "nothing": b"",
}


@pytest.mark.parametrize("body", RAW.values(), ids=RAW)
def test_what_could_be_read_in_two_ways_is_refused(place_of_faults: Place, body: bytes) -> None:
    answer = place_of_faults.client.post(ACTIONS, content=body)
    assert answer.status_code == 422, answer.text
    assert answer.json()["faults"][0]["message"]


def test_a_large_body_is_refused(place_of_faults: Place) -> None:
    answer = place_of_faults.client.post(ACTIONS, json={**EMAIL, "parameters": {"text": "x" * (256 << 10)}})
    assert (answer.status_code, answer.json()["code"]) == (413, "body_too_large")


@pytest.fixture(scope="module")
def place_of_faults(site: Any) -> Place:
    return Place(*site)


WEBHOOKS = {
    "https://hooks.example.com/x": True,
    "https://hooks.example.com:443/x": True,
    "https://HOOKS.example.com": True,
    "http://hooks.example.com/x": False,
    "https://hooks.example.com/x?data=secret": False,
    "https://hooks.example.com/x#part": False,
    "https://hooks.example.com:8443/x": False,
    "https://user@hooks.example.com/x": False,
    "https://hooks.example.com.evil.test/x": False,
    "https://evil.test/hooks.example.com": False,
    "https://[::1/": False,
    "https://hooks.example.com\\@evil.test/": False,
    "hooks.example.com": False,
}


@pytest.mark.parametrize(("url", "taken"), WEBHOOKS.items(), ids=WEBHOOKS)
def test_only_hosts_on_the_list_may_be_told(place_of_faults: Place, url: str, taken: bool) -> None:
    answer = place_of_faults.client.post(ACTIONS, json={**EMAIL, "webhook_url": url})
    assert answer.status_code == (200 if taken else 422), answer.text
    if not taken:
        assert answer.json()["faults"][0]["field"] == "webhook_url"


def test_the_connector_is_that_of_the_vendor(place: Place) -> None:
    merge = {"type": "github.pr.merge", "parameters": {"owner": "o", "repo": "r", "pull_number": 1}}
    assert place.ask(merge)["reason"] == "no_connector"
    connectors = f"{place.path}/connectors"
    assert place.owner.post(connectors, json={"type": "github", "name": "work"}).status_code == 201
    place.rule("github.pr.*", "allow", "work")
    assert place.get(place.ask(merge)["action_request_id"])["connector"] == "work"
    assert place.owner.post(connectors, json={"type": "github", "name": "home"}).status_code == 201
    unclear = place.ask(merge)
    assert (unclear["status"], unclear["reason"]) == ("denied", "credential_ambiguous")
    assert "`home`, `work`" in unclear["message"]
    assert place.ask(merge, connector="work")["status"] == "allowed"
    assert place.ask(merge, connector="home")["reason"] == "no_rule"
    assert place.ask(merge, connector="custom")["reason"] == "no_connector"
    assert place.ask(connector="work")["reason"] == "no_connector"
    assert place.owner.post(connectors, json={"type": "github"}).status_code == 201
    assert place.get(place.ask(merge)["action_request_id"])["connector"] == "github", "it is called like its type"


def test_the_built_in_connector_takes_rules_and_is_in_no_list(place: Place) -> None:
    place.rule("email.*", "allow")
    assert place.owner.get(f"{place.path}/connectors").json()["items"] == []
    answer = place.owner.post(
        f"{place.path}/connectors", json={"type": "generic", "name": "custom", "domains": ["a.test"]}
    )
    assert answer.status_code == 422
    kill = {"active": True, "scope": "connector:custom", "reason": "a test"}
    assert place.owner.post("/api/v1/kill-switch", json=kill).status_code == 200
    stopped = place.ask()
    assert (stopped["status"], stopped["reason"]) == ("denied", "kill_switch_active")
    assert place.owner.post("/api/v1/kill-switch", json=kill | {"active": False}).status_code == 200
    assert place.ask()["status"] == "allowed"


def test_a_gateway_that_goes_by_policies_alone_needs_no_connector(place: Place) -> None:
    assert place.owner.patch(place.path, json={"policy_only": True}).status_code == 200
    merge = {"type": "github.pr.merge", "parameters": {"owner": "o", "repo": "r", "pull_number": 1}}
    assert place.ask(merge)["reason"] == "no_policy"


def test_the_rate_of_an_agent_is_counted_and_told(place: Place) -> None:
    place.change(rate_limit_per_minute=2)
    place.rule("email.*", "allow")
    assert [place.ask()["status"] for _ in range(2)] == ["allowed", "allowed"]
    answer = place.client.post(ACTIONS, json=EMAIL)
    assert (answer.status_code, answer.json()["reason"]) == (200, "rate_limited")
    assert 0 < int(answer.headers["retry-after"]) <= 61
    kept = place.client.get(f"{ACTIONS}/{answer.json()['action_request_id']}").json()
    assert (kept["parameters"], kept["resource"]) == ({}, {}), "whoever asks too often fills no disk"
    assert place.client.post(f"{ACTIONS}/dry-run", json=EMAIL).json()["decision"] == "allow", "it is free"
    place.server.clock.now += 62
    assert place.ask()["status"] == "allowed"


def test_what_an_agent_says_of_its_risk_only_raises_it(place: Place) -> None:
    place.rule("email.*", "allow")
    assert place.ask(risk_hints={"risk": "high"})["risk_score"] == 80
    assert place.ask(risk_hints={"risk": "low"})["risk_score"] == 50


def test_an_idempotency_key_gets_the_same_answer_for_a_day(place: Place) -> None:
    place.rule("email.*", "allow")
    first = place.ask(key="k1")
    again = place.client.post(ACTIONS, json=EMAIL, headers={"Idempotency-Key": "k1"})
    assert again.json() == first
    assert again.headers["idempotent-replayed"] == "true"
    other = place.client.post(ACTIONS, json={**EMAIL, "parameters": {}}, headers={"Idempotency-Key": "k1"})
    assert (other.status_code, other.json()["code"]) == (409, "idempotency_conflict")
    hinted = place.client.post(ACTIONS, json={**EMAIL, "risk_hints": {"a": 1}}, headers={"Idempotency-Key": "k1"})
    assert hinted.status_code == 409
    assert place.ask(key="k2")["action_request_id"] != first["action_request_id"]
    place.add_agent("other")
    theirs = place.server.client(place.make_key("other")["key"])
    answer = theirs.post(ACTIONS, json=EMAIL, headers={"Idempotency-Key": "k1"})
    assert answer.json()["action_request_id"] != first["action_request_id"], "keys are an agent's own"
    place.server.clock.now += 86400
    assert place.ask(key="k1")["action_request_id"] != first["action_request_id"]
    assert place.get(first["action_request_id"])["status"] == "expired"


@pytest.mark.parametrize("key", ["", "a b", "x" * 256])
def test_what_is_no_idempotency_key(place_of_faults: Place, key: str) -> None:
    answer = place_of_faults.client.post(ACTIONS, json=EMAIL, headers={"Idempotency-Key": key})
    assert answer.status_code == 422
    assert answer.json()["faults"][0]["field"] == "Idempotency-Key"


def test_of_racing_requests_with_one_key_one_is_decided_and_all_get_its_answer(place: Place) -> None:
    place.rule("email.*", "allow")
    clients = [place.server.client(place.key) for _ in range(12)]
    with ThreadPoolExecutor(len(clients)) as pool:
        answers = list(
            pool.map(lambda one: one.post(ACTIONS, json=EMAIL, headers={"Idempotency-Key": "race"}), clients)
        )
    assert {answer.status_code for answer in answers} == {200}
    assert len({answer.text for answer in answers}) == 1
    assert sum("idempotent-replayed" not in answer.headers for answer in answers) == 1
    assert len(place.client.get(ACTIONS).json()["items"]) == 1


def test_what_is_not_carried_out_in_time_expires(place: Place) -> None:
    place.rule("email.*", "allow")
    asked = place.ask()
    place.server.clock.now += TOKEN_SECONDS + SKEW
    assert place.get(asked["action_request_id"])["status"] == "expired"
    assert place.client.get(ACTIONS).json()["items"][0]["status"] == "expired"
    while place.server.call(place.server.services.release.expire()):
        pass
    found = place.get(asked["action_request_id"])
    assert (found["status"], found["expires_at"]) == ("expired", None)
    assert "decision_token" not in found


def test_what_has_ended_is_forgotten_after_its_days_and_what_is_open_is_not(place: Place) -> None:
    place.rule("email.*", "allow")
    place.rule("email.asked", "require_approval", approval={"timeout_seconds": 20 * 86400})
    denied, waiting = place.ask({"type": "note.add"}), place.ask({"type": "email.asked"})
    place.server.clock.now += 10 * 86400
    recent = place.ask({"type": "note.add"})
    moment = int(place.server.clock()) - 5 * 86400
    database = place.server.services.database
    while database.write_now(lambda connection: actions.remove_before(connection, moment, 2)):
        pass
    left = {item["action_request_id"] for item in place.client.get(ACTIONS).json()["items"]}
    assert denied["action_request_id"] not in left
    assert {waiting["action_request_id"], recent["action_request_id"]} <= left


def test_a_dry_run_explains_and_records_nothing(place: Place) -> None:
    place.rule("email.*", "require_approval", approval={"quorum": 2})
    found = place.client.post(f"{ACTIONS}/dry-run", json=EMAIL).json()
    assert (found["decision"], found["reason"]) == ("requires_approval", "approval_required")
    assert found["access_rule"] == {"pattern": "email.*", "decision": "requires_approval"}
    assert found["required_approvals"] == [{"role": "member", "groups": [], "quorum": 2}]
    assert found["policies"] == []
    assert place.client.get(ACTIONS).json()["items"] == []
