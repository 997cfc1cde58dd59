"""The decision API as an AuthZEN policy decision point, by the words of the standard."""

from __future__ import annotations

from typing import Any

import httpx
import pytest
from tests.control.asking import agent
from tests.control.running import Running

PATH = "/access/v1/evaluation"


@pytest.fixture(scope="module")
def mailer(server: Running, owner: httpx.Client) -> httpx.Client:
    return agent(server, owner)


def question(to: str = "ana@example.com", **changes: Any) -> dict[str, Any]:
    return {
        "subject": {"type": "agent", "id": "mailer"},
        "action": {"name": "email.send", "properties": {"to": to}},
        "resource": {"type": "mailbox", "id": "news"},
        **changes,
    }


def test_yes_and_no_are_booleans_and_stand_on_record(mailer: httpx.Client) -> None:
    yes = mailer.post(PATH, json=question())
    assert (yes.status_code, yes.headers["content-type"], yes.json()["decision"]) == (200, "application/json", True)
    no = mailer.post(PATH, json=question("eve@evil.test")).json()
    assert no["decision"] is False
    assert (no["context"]["decision"], no["context"]["reason"]) == ("deny", "no_policy")
    recorded = mailer.get(f"/api/v1/actions/{yes.json()['context']['action_request_id']}").json()
    assert recorded["type"] == "email.send"
    assert "decision_token" not in yes.text
    assert recorded["decision_token"]


def test_what_waits_for_people_is_no_until_they_agreed(mailer: httpx.Client, owner: httpx.Client) -> None:
    asked = mailer.post(PATH, json=question("li@example.org")).json()
    assert asked["decision"] is False
    assert asked["context"]["status"] == "pending_approval"
    approval = asked["context"]["approval"]["id"]
    assert owner.get(f"/api/dashboard/approvals/{approval}").json()["status"] == "pending"


def test_properties_and_context_are_parameters_and_hints(mailer: httpx.Client) -> None:
    sent = question(context={"lang": "en", "risk_hints": {"risk": "high"}})
    sent["resource"]["properties"] = {"environment": "production"}
    sent["subject"]["properties"] = {"department": "Sales"}
    found = mailer.post(PATH, json=sent).json()["context"]
    recorded = mailer.get(f"/api/v1/actions/{found['action_request_id']}").json()
    assert recorded["parameters"] == {"lang": "en", "to": "ana@example.com"}
    assert recorded["resource"] == {"environment": "production", "type": "mailbox", "id": "news"}
    assert found["risk_score"] >= 80


def test_what_is_unknown_is_ignored(mailer: httpx.Client) -> None:
    sent = question(trace="abc")
    sent["subject"]["name"] = "The mailer"
    assert mailer.post(PATH, json=sent).json()["decision"] is True


def test_the_same_idempotency_key_asks_once(mailer: httpx.Client) -> None:
    first, second = (mailer.post(PATH, json=question(), headers={"Idempotency-Key": "once"}).json() for _ in "12")
    assert first == second


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"subject": None}, "subject"),
        ({"subject": {"type": "agent"}}, "subject.id"),
        ({"subject": {"type": "user", "id": "mailer"}}, "subject.type"),
        ({"action": {}}, "action.name"),
        ({"action": {"name": "email.send", "properties": []}}, "action.properties"),
        ({"resource": {"type": "mailbox", "id": 7}}, "resource.id"),
        ({"resource": {"type": "mailbox", "id": "a", "properties": {"id": "b"}}}, "resource.properties.id"),
        ({"context": {"to": "somebody@else.test"}}, "context.to"),
        ({"context": "none"}, "context"),
        ({"context": {"amount": 1 << 60}}, "parameters.amount"),
        ({"action": {"name": "no type"}}, "type"),
    ],
)
def test_a_faulty_question_is_a_bad_request_and_names_the_place(
    mailer: httpx.Client, changes: dict[str, Any], field: str
) -> None:
    answer = mailer.post(PATH, json=question(**changes))
    assert (answer.status_code, answer.json()["code"]) == (400, "invalid")
    assert field in [fault["field"] for fault in answer.json()["faults"]]


def test_a_question_with_two_meanings_is_a_bad_request(mailer: httpx.Client) -> None:
    body = b'{"subject": {"type": "agent", "id": "mailer"}, "subject": {"type": "agent", "id": "other"}}'
    assert mailer.post(PATH, content=body).status_code == 400
    assert mailer.post(PATH, content=b"[]").status_code == 400


def test_a_key_asks_for_its_own_agent_alone(server: Running, owner: httpx.Client, mailer: httpx.Client) -> None:
    agent(server, owner, "other")
    before = len(mailer.get("/api/v1/actions", params={"limit": 200}).json()["items"])
    refused = mailer.post(PATH, json=question(subject={"type": "agent", "id": "other"}))
    assert (refused.status_code, refused.json()["code"]) == (403, "subject_mismatch")
    assert len(mailer.get("/api/v1/actions", params={"limit": 200}).json()["items"]) == before
    own = refused.json()["help"].split("`")[1]
    assert mailer.post(PATH, json=question(subject={"type": "agent", "id": own})).json()["decision"] is True


def test_the_metadata_name_the_address_that_was_asked(server: Running) -> None:
    found = server.client().get("/.well-known/authzen-configuration").json()
    assert found == {"policy_decision_point": server.url, "access_evaluation_endpoint": server.url + PATH}


def test_a_request_keeps_its_id(mailer: httpx.Client, server: Running) -> None:
    for client, path in ((mailer, "/api/v1/actions"), (mailer, PATH), (server.client(), "/nothing")):
        assert client.post(path, json={}, headers={"X-Request-ID": "req-7"}).headers["x-request-id"] == "req-7"
    assert "x-request-id" not in server.client().get("/api/health", headers={"X-Request-ID": "two words"}).headers
