"""Policies tried before they are stored: on one action, and on what is on record."""

from __future__ import annotations

from typing import Any

import httpx
import pytest
from tests.control.records import frames, intent, outcome, refusal
from tests.control.running import GATEWAYS, Running

from tameflare.link.messages import RECORDS_PATH, Intent, RecordedAction

POLICIES = "/api/dashboard/policies"
MAIN = f"{GATEWAYS}/main"
MERGES = """name: merges
scope: {action_types: [github.pr.merge]}
rules:
  - name: protected
    conditions: {field: parameters.base, operator: equals, value: main}
    decision: requires_approval
  - name: foreign
    conditions: {field: resource.owner, operator: not_equals, value: octo}
    decision: deny
"""
REFUNDS = """name: refunds
rules:
  - name: large
    conditions:
      all:
        - {field: type, operator: equals, value: stripe.refund.create}
        - {field: parameters.amount, operator: greater_than, value: 1000}
    decision: deny
    reason: Too much
"""


@pytest.fixture(scope="module")
def plane(server: Running, owner: httpx.Client) -> dict[str, str]:
    """A gateway with GitHub and Stripe, and the ids that its records bear."""
    gateway = owner.post(GATEWAYS, json={"name": "main"}).json()["id"]
    (agent,) = (found["id"] for found in owner.get(f"{MAIN}/agents").json()["items"])
    for kind in ("github", "stripe"):
        record = ["base", "amount"]
        owner.post(f"{MAIN}/connectors", json={"type": kind, "secret": f"{kind}-secret-1234", "record": record})
        owner.post(f"{MAIN}/rules/preset", json={"connector": kind, "preset": "allow_all"})
    proxy = owner.post("/api/dashboard/proxies", json={"name": "edge"}).json()["token"]
    return {"gateway": gateway, "agent": agent, "proxy": proxy}


def candidates(*texts: str) -> list[dict[str, str]]:
    return [{"name": "candidate.yaml", "text": text} for text in texts]


def evaluate(client: httpx.Client, *texts: str, **more: Any) -> dict[str, Any]:
    body = {"gateway": "main", "type": "github.pr.merge", "files": candidates(*texts), **more}
    answer = client.post(f"{POLICIES}/evaluate", json=body)
    assert answer.status_code == 200, answer.text
    return dict(answer.json())


@pytest.mark.usefixtures("plane")
def test_an_action_is_tried_on_policies_that_are_not_stored(owner: httpx.Client) -> None:
    place = {"resource": {"owner": "octo", "repo": "hello", "pull_number": 7}}
    assert evaluate(owner, **place)["decision"] == "allow"
    asked = evaluate(owner, MERGES, **place, parameters={"base": "main"})
    assert (asked["decision"], asked["matched"][-1]) == ("requires_approval", "policy:merges@1:protected")
    (policy,) = asked["policies"]
    assert [(rule["name"], rule["result"]) for rule in policy["rules"]] == [("protected", "true"), ("foreign", "false")]
    assert policy["rules"][0]["condition"]["why"] == '`parameters.base` is "main"; `equals` "main" is true'
    denied = evaluate(owner, MERGES, resource={"owner": "stranger", "repo": "hello", "pull_number": 7})
    assert denied["decision"] == "deny"
    assert owner.get(POLICIES).json()["items"] == []
    owner.put(f"{POLICIES}/merges", json={"source": MERGES})
    assert evaluate(owner, **place, parameters={"base": "main"})["decision"] == "requires_approval"
    assert evaluate(owner, **place, parameters={"base": "main"}, alone=True)["decision"] == "allow"
    softer = MERGES.replace("main}", "trunk}")
    assert evaluate(owner, softer, **place, parameters={"base": "main"})["decision"] == "allow"
    owner.delete(f"{POLICIES}/merges")


@pytest.mark.usefixtures("plane")
def test_the_clock_of_a_trial_is_the_one_that_is_asked_for(owner: httpx.Client) -> None:
    early = "{field: time.hour, operator: less_than, value: 6}"
    night = f"name: night\nrules:\n  - {{name: r, decision: deny, conditions: {early}}}\n"
    midnight = 1_800_000_000 - 1_800_000_000 % 86400
    assert evaluate(owner, night, time=midnight + 5 * 3600)["decision"] == "deny"
    assert evaluate(owner, night, time=midnight + 7 * 3600)["decision"] == "allow"


@pytest.mark.usefixtures("plane")
def test_running_totals_of_a_trial_are_those_that_there_would_be(owner: httpx.Client) -> None:
    daily = REFUNDS.replace("field: parameters.amount", "field: 'total(parameters.amount, window: 1d)'")
    action: dict[str, Any] = {"type": "stripe.refund.create"}
    for amount, decision in ((900, "allow"), (1001, "deny"), (900, "allow")):
        assert evaluate(owner, daily, **action, parameters={"amount": amount})["decision"] == decision


@pytest.mark.usefixtures("plane")
def test_what_cannot_be_tried_is_told(owner: httpx.Client) -> None:
    body = {"gateway": "main", "type": "github.pr.merge", "files": candidates("name: x\nrules: 7\n")}
    assert owner.post(f"{POLICIES}/evaluate", json=body).json()["code"] == "invalid_policy"
    assert owner.post(f"{POLICIES}/replay", json={"files": body["files"]}).json()["code"] == "invalid_policy"
    for wrong in ({"gateway": "nowhere"}, {"agent": "nobody"}):
        assert owner.post(f"{POLICIES}/evaluate", json={**body, "files": [], **wrong}).status_code == 404
    twice = {**body, "files": [], "type": "no type", "risk_hints": {"risk": "none"}}
    faults = owner.post(f"{POLICIES}/evaluate", json=twice).json()["faults"]
    assert [fault["field"] for fault in faults] == ["type", "risk_hints.risk"]


def merge(plane: dict[str, str], request_id: str, path: str, base: str | None = "trunk", **more: Any) -> Intent:
    parameters = {} if base is None else {"base": base}
    actions = (RecordedAction("github.pr.merge", "high", "write", parameters),)
    place = {"gateway": plane["gateway"], "agent": plane["agent"], "path": path, "actions": actions}
    return intent(request_id, **{**place, **more})


def refund(plane: dict[str, str], request_id: str, amount: str | None, **more: Any) -> Intent:
    parameters = {} if amount is None else {"amount": amount}
    place = {"method": "POST", "host": "api.stripe.com", "path": "/v1/refunds", "connector": "stripe"}
    actions = (RecordedAction("stripe.refund.create", "high", "money", parameters),)
    return intent(request_id, gateway=plane["gateway"], agent=plane["agent"], actions=actions, **place, **more)


@pytest.fixture(scope="module")
def recorded(server: Running, plane: dict[str, str]) -> None:
    """What a proxy delivered yesterday, in the order in which it happened."""
    octo, stranger = "/repos/octo/hello/pulls/7/merge", "/repos/stranger/hello/pulls/8/merge"
    requests = [
        merge(plane, "m0", octo, None),
        merge(plane, "m1", octo),
        merge(plane, "m2", octo, "main"),
        merge(plane, "m3", stranger, "main"),
        merge(plane, "m4", octo, None),
        merge(plane, "m5", octo, "main", verdict="allow", reason="approved", would_be="requires_approval"),
        refund(plane, "r0", None),
        refund(plane, "r1", "1001"),
        refund(plane, "r2", "999"),
        refund(plane, "r3", "many"),
        merge(plane, "x1", octo, agent="agt_gone"),
        merge(plane, "x2", octo, actions=(RecordedAction("github.pr.merge", "dreadful", "write"),)),
    ]
    refusals = [
        refusal("k1", gateway=plane["gateway"], agent=plane["agent"], reason="kill_switch_active"),
        refusal("n1", gateway=plane["gateway"], agent=plane["agent"], actions=(), reason="no_connector"),
    ]
    records = [record for one in requests for record in (one, outcome(one.request_id))]
    place = {"x-tameflare-epoch": "e1", "x-tameflare-sequence": "0"}
    answer = server.client(plane["proxy"]).post(RECORDS_PATH, content=frames([*records, *refusals]), headers=place)
    assert answer.status_code == 200, answer.text


def replay(client: httpx.Client, *texts: str, **more: Any) -> dict[str, Any]:
    body = {"files": candidates(*texts), "gateway": "main", **more}
    answer = client.post(f"{POLICIES}/replay", json=body)
    assert answer.status_code == 200, answer.text
    return dict(answer.json())


def verdicts(found: dict[str, Any]) -> dict[str, tuple[str, str]]:
    return {each["case"]["id"]: (each["was"], each["becomes"]) for each in found["differences"]}


@pytest.mark.usefixtures("recorded")
def test_records_are_judged_once_more_and_what_changes_is_listed(owner: httpx.Client) -> None:
    found = replay(owner, MERGES)
    assert verdicts(found) == {"m2": ("allow", "requires_approval"), "m3": ("allow", "deny")}
    assert {each["reason"]: each["count"] for each in found["left_out"]} == {
        "its gateway, agent or connector is gone": 1,
        "it was written by another version, and cannot be read": 1,
        "kill_switch_active": 1,
        "no_connector": 1,
    }
    assert (found["records"], found["changed"], found["cannot_tell"]) == (14, 2, 1)
    newest = found["differences"][0]
    assert newest["because"][-1].startswith("policy:merges@")
    assert newest["case"]["what"].startswith("PUT api.github.com/repos/")


@pytest.mark.usefixtures("recorded")
def test_what_a_record_does_not_hold_cannot_be_told(owner: httpx.Client) -> None:
    """`m0` came before `base` was seen to be recorded, `m4` after it: there it was not sent."""
    found = replay(owner, MERGES, REFUNDS)
    assert {(each["rule"], each["field"]): each["count"] for each in found["needs"]} == {
        ("merges:protected", "parameters.base"): 1,
        ("refunds:large", "parameters.amount"): 1,
    }
    assert found["cannot_tell"] == 2
    assert verdicts(found) == {
        "m2": ("allow", "requires_approval"),
        "m3": ("allow", "deny"),
        "r1": ("allow", "deny"),
        "r3": ("allow", "deny"),
    }
    reasons = {each["case"]["id"]: each["reason"] for each in found["differences"]}
    assert (reasons["r1"], reasons["r3"]) == ("policy_deny", "engine_error")


@pytest.mark.usefixtures("recorded")
def test_where_something_denies_anyway_nothing_is_unknown(owner: httpx.Client) -> None:
    never = (
        "name: never\nrules: [{name: r, decision: deny, conditions: {field: effect, operator: equals, value: money}}]\n"
    )
    found = replay(owner, REFUNDS, never)
    assert (found["needs"], found["cannot_tell"]) == ([], 0)
    assert {name for name, verdict in verdicts(found).items() if verdict == ("allow", "deny")} == {
        "r0",
        "r1",
        "r2",
        "r3",
    }


@pytest.mark.usefixtures("recorded")
def test_only_the_records_that_are_asked_for_count(owner: httpx.Client) -> None:
    few = replay(owner, last=3)
    assert (few["records"], few["more"]) == (3, True)
    assert replay(owner, last=14)["more"] is False
    assert replay(owner, since=1_790_000_001)["records"] == 0
    assert replay(owner, gateway="elsewhere")["records"] == 0
    held = [each for each in replay(owner)["moves"] if each["was"] == "requires_approval"]
    assert held == [{"was": "requires_approval", "becomes": "allow", "count": 1}]


def test_what_was_asked_by_the_decision_api_is_replayed_from_its_fields(server: Running, owner: httpx.Client) -> None:
    gateway = f"{GATEWAYS}/deciders"
    owner.post(GATEWAYS, json={"name": "deciders"})
    owner.post(f"{gateway}/connectors", json={"type": "stripe"})
    owner.post(f"{gateway}/rules/preset", json={"connector": "stripe", "preset": "allow_all"})
    key = owner.post(f"{gateway}/agents/default/keys", json={"name": "k"}).json()["key"]
    agent = server.client(key)
    for amount in (500, 5000):
        asked = agent.post("/api/v1/actions", json={"type": "stripe.refund.create", "parameters": {"amount": amount}})
        assert asked.json()["decision"] == "allow", asked.text
    found = replay(owner, REFUNDS, gateway="deciders", since=int(server.clock.now))
    assert (found["records"], found["unchanged"], found["cannot_tell"]) == (2, 1, 0)
    ((case, verdict),) = [(each["case"], (each["was"], each["becomes"])) for each in found["differences"]]
    assert (case["road"], case["action"], verdict) == ("api", "stripe.refund.create", ("allow", "deny"))
    totals = REFUNDS.replace("field: parameters.amount", "field: 'total(parameters.amount, window: 1d)'")
    needs = replay(owner, totals, gateway="deciders")["needs"]
    assert [(each["rule"], each["field"].partition(",")[0]) for each in needs] == [
        ("refunds:large", "total(parameters.amount")
    ]
