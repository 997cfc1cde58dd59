"""Policies judge what agents ask for as they judge requests: the same judge, on the newest version."""

from __future__ import annotations

from collections.abc import Iterator
from textwrap import dedent
from typing import Any

import pytest
from tests.control.decisions.asking import ACTIONS, Place
from tests.support.waiting import wait_for

from tameflare.core.action_states import TOKEN_SECONDS
from tameflare.core.token import SKEW

POLICIES = "/api/dashboard/policies"
PAY = {"type": "payment.send", "resource": {"to": "acme"}, "parameters": {"amount": 40}}


def store(place: Place, kind: str, rules: str) -> str:
    """A policy of this gateway alone; its name."""
    name = f"{kind}-{place.name}"
    source = f"name: {name}\nscope: {{gateways: [{place.name}]}}\nrules:\n{dedent(rules)}"
    answer = place.owner.put(f"{POLICIES}/{name}", json={"source": source})
    assert answer.status_code in (200, 201), answer.text
    return name


@pytest.fixture
def policies(place: Place) -> Iterator[Place]:
    yield place
    for policy in place.owner.get(POLICIES).json()["items"]:
        assert place.owner.delete(f"{POLICIES}/{policy['name']}").status_code == 204


def test_a_policy_decides_where_a_gateway_goes_by_policies_alone(policies: Place) -> None:
    policies.change(policy_only=True)
    name = store(
        policies,
        "payments",
        """
        - name: small
          conditions: {field: parameters.amount, operator: less_than, value: 50}
          decision: allow
          risk_score: 10
        - name: large
          conditions: {field: parameters.amount, operator: greater_than, value: 1000}
          decision: deny
          reason: too much
          risk_score: 95
        """,
    )
    small = policies.ask(PAY)
    assert (small["status"], small["reason"], small["risk_score"]) == ("allowed", "policy_allow", 10)
    assert small["matched_policies"] == [f"{name}@1:small"]
    large = policies.ask(PAY, parameters={"amount": 2000})
    assert (large["status"], large["reason"], large["message"]) == ("denied", "policy_deny", "too much")
    assert (large["risk_score"], large["matched_policies"]) == (95, [f"{name}@1:large"])
    assert policies.ask(PAY, parameters={"amount": 500})["reason"] == "no_policy"
    assert policies.ask(PAY, parameters={"amount": "40"})["reason"] == "engine_error", "text is no number"


def test_a_policy_sees_a_vendors_fields_wherever_they_were_given(policies: Place) -> None:
    policies.owner.post(f"{policies.path}/connectors", json={"type": "github"})
    policies.rule("github.*", "allow", "github")
    store(
        policies,
        "secret-repository",
        """
        - name: hands-off
          conditions: {field: resource.repo, operator: equals, value: secret}
          decision: deny
        - name: pull-request-7
          conditions: {field: parameters.pull_number, operator: equals, value: 7}
          decision: deny
        """,
    )
    merge: dict[str, Any] = {"type": "github.pr.merge"}
    fields = {"owner": "o", "repo": "secret", "pull_number": 1}
    assert policies.ask(merge, parameters=fields)["reason"] == "policy_deny"
    assert policies.ask(merge, resource=fields)["reason"] == "policy_deny"
    other = {"owner": "o", "repo": "open"}
    assert policies.ask(merge, resource=other, parameters={"pr_number": 7})["reason"] == "policy_deny"
    assert policies.ask(merge, resource=other, parameters={"pull_number": 1})["status"] == "allowed"


def test_groups_that_must_agree_are_told(policies: Place) -> None:
    policies.rule("payment.*", "allow")
    name = f"finance-of-{policies.name}"
    assert policies.owner.post("/api/dashboard/groups", json={"name": name}).status_code == 201
    me = policies.owner.get("/api/dashboard/me").json()
    email = me["user"]["email"] if "user" in me else me["email"]
    added = policies.owner.put(f"/api/dashboard/groups/{name}/members/{email}")
    assert added.status_code in (200, 201, 204), added.text
    store(
        policies,
        "ask-finance",
        f"""
        - name: ask
          decision: requires_approval
          approval: {{approver_groups: [{name}], timeout_seconds: 3600}}
        """,
    )
    asked = policies.ask(PAY)
    assert asked["status"] == "pending_approval"
    assert asked["approval"]["required_approver_groups"] == [name]
    assert asked["approval"]["expires_at"] == int(policies.server.clock()) + 3600


def test_a_dry_run_tells_of_every_rule_and_test(policies: Place) -> None:
    policies.rule("payment.*", "allow")
    name = store(
        policies,
        "payments",
        """
        - name: large
          conditions: {field: parameters.amount, operator: greater_than, value: 30}
          decision: deny
          reason: too much
        """,
    )
    found = policies.client.post(f"{ACTIONS}/dry-run", json=PAY).json()
    assert found["reason"] == "policy_deny"
    (policy,) = found["policies"]
    assert (policy["name"], policy["version"]) == (name, 1)
    (rule,) = policy["rules"]
    assert (rule["name"], rule["result"], rule["reason"]) == ("large", "true", "too much")
    assert rule["condition"]["why"] == "`parameters.amount` is 40; `greater_than` 30 is true"


def test_running_totals_count_what_is_let_through_and_no_more(policies: Place) -> None:
    policies.rule("payment.*", "allow")
    policies.rule("payment.asked", "require_approval")
    store(
        policies,
        "budget",
        """
        - name: a-hundred-a-day
          conditions: {field: "total(parameters.amount, window: 1d, by: agent)", operator: greater_than, value: 100}
          decision: deny
          reason: over the budget
        """,
    )
    dry = policies.client.post(f"{ACTIONS}/dry-run", json={**PAY, "parameters": {"amount": 101}}).json()
    assert dry["message"] == "over the budget"
    assert policies.ask(PAY, key="k")["status"] == "allowed"
    assert policies.ask(PAY, key="k")["status"] == "allowed", "the same once more counts once"
    assert policies.ask(PAY)["status"] == "allowed"
    over = policies.ask(PAY)
    assert (over["status"], over["message"]) == ("denied", "over the budget")
    waiting = policies.ask({**PAY, "type": "payment.asked"}, parameters={"amount": 20})
    assert waiting["status"] == "pending_approval"
    assert policies.ask(PAY, parameters={"amount": 1})["status"] == "denied", "what waits counts as well"
    policies.vote(waiting["approval"]["id"], "deny")
    policies.settled(waiting["action_request_id"])
    assert policies.ask(PAY, parameters={"amount": 1})["status"] == "allowed", "what was refused counts no more"
    policies.server.clock.now += TOKEN_SECONDS + SKEW
    wait_for(lambda: not policies.server.call(policies.server.services.release.expire()), "the end")
    assert policies.ask(PAY, parameters={"amount": 100})["status"] == "denied", "the agent may have done it by itself"
