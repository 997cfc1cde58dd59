"""Answers that are remembered, for an hour or for a run."""

from __future__ import annotations

from typing import Any

import httpx
import pytest
from tests.control.approvals.asking import APPROVALS, CALL, vote
from tests.control.holding import Plane
from tests.control.running import Running

from tameflare.control.services.named import proxy_named
from tameflare.control.services.parts import Parts
from tameflare.control.store.engine import Connection
from tameflare.core.approval import Requirement
from tameflare.core.roles import Role
from tameflare.link.approvals import HeldAction


def remembered(client: httpx.Client) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = client.get(f"{APPROVALS}/remembered").json()["remembered"]
    return found


def published(server: Running, plane: Plane) -> list[str]:
    """Ids of the remembered answers that the next configuration of a proxy holds."""

    def build(connection: Connection) -> list[str]:
        served = server.services.configuration._served(connection, proxy_named(connection, "edge"))
        parts = Parts(connection, [gateway.id for gateway in served], int(server.clock.now))
        return [one.id for gateway in served for one in parts.config(gateway).remembered]

    return server.services.database.read_now(build)


def test_an_answer_is_remembered_published_and_forgotten(server: Running, plane: Plane, member: httpx.Client) -> None:
    asked = plane.raise_("r1", actions=(CALL,))
    before = plane.version
    vote(member, asked.approval, remember="hour")
    (one,) = remembered(member)
    now = int(server.clock.now)
    assert (one["approval"], one["by"], one["run"], one["expires_at"]) == (asked.approval, ["Member"], "", now + 3600)
    assert one["actions"] == [{"type": "slack.message.send", "resource": {"channel": "C1"}}]
    assert published(server, plane) == [one["id"]]
    assert plane.version == before + 1
    (told,) = plane.told()
    assert told.version == before + 1, "who was let go works by it"
    assert member.delete(f"{APPROVALS}/remembered/{one['id']}").status_code == 204
    assert remembered(member) == published(server, plane) == []
    assert plane.version == before + 2


def test_an_answer_for_a_run_names_it(plane: Plane, member: httpx.Client) -> None:
    vote(member, plane.raise_("r1", actions=(CALL,)).approval, remember="run")
    assert [one["run"] for one in remembered(member)] == ["run_1"]
    refused = vote(member, plane.raise_("r2", "d2", actions=(CALL,), run="").approval, remember="run")
    assert (refused.status_code, refused.json()["faults"][0]["field"]) == (422, "remember")


def test_answers_about_money_are_remembered_only_where_the_rule_says_so(plane: Plane, member: httpx.Client) -> None:
    asked = plane.raise_("r1")
    refused = vote(member, asked.approval, remember="hour")
    assert (refused.status_code, refused.json()["faults"][0]["field"]) == (422, "remember")
    assert member.get(f"{APPROVALS}/{asked.approval}").json()["status"] == "pending"
    vote(member, plane.raise_("r2", "d2", Requirement(remember=True)).approval, remember="hour")
    assert len(remembered(member)) == 1


def test_an_answer_that_would_cover_everything_is_not_remembered(plane: Plane, member: httpx.Client) -> None:
    """Slack's methods take the channel as a field: the answer for one channel would do for all."""
    call = HeldAction("slack.message.send", "medium", "write", {}, {"channel": "C1", "text": "hello"})
    asked = plane.raise_("r1", actions=(CALL, call))
    assert member.get(f"{APPROVALS}/{asked.approval}").json()["rememberable"] == []
    assert vote(member, asked.approval, remember="hour").status_code == 422
    unknown = HeldAction("github.unknown.post", "high", "write", {"host": "api.github.com", "path": "/graphql"}, {})
    asked = plane.raise_("r3", "d3", actions=(unknown,))
    assert vote(member, asked.approval, remember="hour").status_code == 422
    vote(member, plane.raise_("r2", "d2", Requirement(remember=True), actions=(call,)).approval, remember="hour")
    assert len(remembered(member)) == 1


def test_everybody_who_agrees_must_choose_it(server: Running, plane: Plane, member: httpx.Client) -> None:
    admin = server.person(Role.ADMIN)
    two = Requirement(quorum=2)
    for digest, first, second, expected in (
        ("d1", "hour", "none", None),
        ("d2", "hour", "run", "run_1"),
        ("d3", "hour", "hour", ""),
    ):
        asked = plane.raise_(digest, digest, two, actions=(CALL,))
        vote(member, asked.approval, remember=first)
        vote(admin, asked.approval, remember=second)
        found = {one["approval"]: one["run"] for one in remembered(member)}
        assert found.get(asked.approval) == expected


def test_it_ends_with_its_hour(server: Running, plane: Plane, member: httpx.Client) -> None:
    vote(member, plane.raise_("r1", actions=(CALL,)).approval, remember="hour")
    server.clock.now += 3600
    assert remembered(member) == published(server, plane) == []


@pytest.mark.parametrize("change", ["rule", "connector", "level"])
def test_it_ends_when_what_was_agreed_under_changes_and_does_not_come_back(
    server: Running, plane: Plane, owner: httpx.Client, member: httpx.Client, change: str
) -> None:
    vote(member, plane.raise_("r1", actions=(CALL,)).approval, remember="hour")
    gateway = "/api/dashboard/gateways/main"
    assert owner.patch(gateway, json={"rate_limit_per_minute": 99}).status_code == 200
    assert len(remembered(member)) == 1, "what has nothing to do with it leaves it alone"
    rule = {"connector": "stripe", "pattern": "stripe.*", "decision": "require_approval"}
    if change == "rule":
        made = owner.post(f"{gateway}/rules", json=rule).json()
        owner.delete(f"{gateway}/rules/{made['id']}")
    elif change == "connector":
        owner.patch(f"{gateway}/connectors/stripe", json={"identify": True})
        owner.patch(f"{gateway}/connectors/stripe", json={"identify": False})
    else:
        owner.patch(gateway, json={"level": "soft_enforce"})
        owner.patch(gateway, json={"level": "full_enforce"})
    assert remembered(member) == published(server, plane) == []


def test_it_ends_with_a_policy_that_concerns_it_and_with_no_other(
    server: Running, plane: Plane, owner: httpx.Client, member: httpx.Client
) -> None:
    path = "/api/dashboard/policies"

    def store(name: str, scope: str) -> None:
        source = f"name: {name}\nscope: {scope}\nrules: [{{name: r, decision: deny}}]\n"
        assert owner.put(f"{path}/{name}", json={"source": source}).status_code == 200

    vote(member, plane.raise_("r1", actions=(CALL,)).approval, remember="hour")
    store("other-types", "{action_types: ['github.*', 'slack.channel.*']}")
    store("other-agents", "{agents: ['build-*']}")
    store("elsewhere", "{gateways: [second], connectors: [slack]}")
    assert len(remembered(member)) == 1
    store("concerned", "{action_types: [slack.message.send], agents: ['dep*'], environments: [staging]}")
    assert remembered(member) == published(server, plane) == []
    vote(member, plane.raise_("r2", "d2", actions=(CALL,)).approval, remember="hour")
    owner.delete(f"{path}/elsewhere")
    assert len(remembered(member)) == 1
    owner.patch(f"{path}/concerned", json={"enabled": False})
    assert remembered(member) == []
    for name in ("other-types", "other-agents", "concerned"):
        owner.delete(f"{path}/{name}")
