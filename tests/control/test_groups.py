"""Groups of people: who manages them, who names them, and approvals that several of them must give."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from tests.control.holding import Plane
from tests.control.running import GATEWAYS, PASSWORD, Running, running

from tameflare.control.dashboard.texts import who_must_agree
from tameflare.core.approval import Requirement, together
from tameflare.core.roles import Role

ON_BOTH = True

GROUPS = "/api/dashboard/groups"
USERS = "/api/dashboard/users"
APPROVALS = "/api/dashboard/approvals"
CREW = {"ada": "admin", "bob": "member", "eve": "member", "kim": "member"}


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    directory: Path = tmp_path_factory.mktemp("server")
    with running(directory, {}) as made:
        yield made


@pytest.fixture(scope="module")
def owner(server: Running) -> httpx.Client:
    return server.owner()


@pytest.fixture(scope="module")
def plane(server: Running, owner: httpx.Client) -> Plane:
    return Plane(server, owner)


@pytest.fixture(scope="module")
def crew(server: Running, owner: httpx.Client) -> dict[str, httpx.Client]:
    """Clients by name; ada is an admin, the others are members."""
    for name, role in CREW.items():
        body = {"name": name, "email": address(name), "role": role, "password": PASSWORD}
        assert owner.post(USERS, json=body).status_code == 201
    return {name: log_in(server, name) for name in CREW}


def address(name: str) -> str:
    return f"{name}@example.com"


def log_in(server: Running, name: str) -> httpx.Client:
    answer = server.client().post("/api/dashboard/login", json={"email": address(name), "password": PASSWORD})
    return server.client(answer.json()["token"])


def group(owner: httpx.Client, name: str, *people: str) -> None:
    assert owner.post(GROUPS, json={"name": name}).status_code in {201, 409}
    for person in people:
        assert owner.put(f"{GROUPS}/{name}/members/{address(person)}").status_code == 200


def vote(client: httpx.Client, approval: str, word: str = "approve") -> httpx.Response:
    assert approval
    return client.post(f"{APPROVALS}/{approval}/votes", json={"vote": word})


def needs(approval: dict[str, Any]) -> set[tuple[str | None, int]]:
    return {(need["group"], need["missing"]) for need in approval["needs"]}


@pytest.mark.usefixtures("crew")
def test_a_group_is_made_filled_listed_emptied_and_removed(owner: httpx.Client) -> None:
    made = owner.post(GROUPS, json={"name": "night"})
    assert (made.status_code, made.json()["members"]) == (201, 0)
    assert owner.post(GROUPS, json={"name": "night"}).json()["code"] == "already_exists"
    assert owner.post(GROUPS, json={"name": "no name"}).status_code == 422
    group(owner, "night", "eve", "kim")
    assert owner.put(f"{GROUPS}/night/members/KIM@example.com").json()["email"] == address("kim"), "once more"
    members = owner.get(f"{GROUPS}/night/members").json()["items"]
    assert [person["email"] for person in members] == [address("eve"), address("kim")]
    assert {(one["name"], one["members"]) for one in owner.get(GROUPS).json()["items"]} >= {("night", 2)}
    assert owner.delete(f"{GROUPS}/night/members/{members[0]['id']}").status_code == 204
    assert owner.delete(f"{GROUPS}/night/members/{members[0]['id']}").status_code == 404
    assert owner.delete(f"{GROUPS}/night").status_code == 204
    assert owner.get(f"{GROUPS}/night/members").status_code == owner.delete(f"{GROUPS}/night").status_code == 404
    assert owner.put(f"{GROUPS}/night/members/{address('eve')}").status_code == 404


def test_only_owners_put_themselves_into_a_group(owner: httpx.Client, crew: dict[str, httpx.Client]) -> None:
    group(owner, "vault")
    ada = crew["ada"]
    refused = ada.put(f"{GROUPS}/vault/members/{address('ada')}")
    assert (refused.status_code, refused.json()["code"]) == (403, "oneself")
    assert ada.put(f"{GROUPS}/vault/members/{address('bob')}").status_code == 200
    assert owner.put(f"{GROUPS}/vault/members/{address('owner')}").status_code == 200
    assert owner.put(f"{GROUPS}/vault/members/{address('nobody')}").status_code == 404
    assert crew["bob"].post(GROUPS, json={"name": "mine"}).status_code == 403
    assert crew["bob"].get(f"{GROUPS}/vault/members").status_code == 403


def test_a_rule_names_groups_that_exist_and_they_stay_while_it_does(owner: httpx.Client, plane: Plane) -> None:
    group(owner, "security")
    rules = f"{GATEWAYS}/{plane.name}/rules"
    ask = {"connector": "stripe", "pattern": "stripe.refund.*", "decision": "require_approval"}
    terms = {"groups": ["security", "sales", "security"], "distinct": True}
    refused = owner.post(rules, json=ask | {"approval": terms})
    (fault,) = refused.json()["faults"]
    assert (refused.status_code, fault["field"]) == (422, "approval.groups.1")
    assert "there is no group `sales`" in fault["message"]
    assert "`security`" in fault["help"]
    whole = owner.put(rules, json={"rules": [ask, ask | {"approval": {"groups": ["sales"]}}]})
    assert whole.json()["faults"][0]["field"] == "rules.1.approval.groups.0"
    made = owner.post(rules, json=ask | {"approval": terms | {"groups": ["security"]}}).json()
    assert (made["approval"]["groups"], made["approval"]["distinct"]) == (["security"], True)
    named = owner.delete(f"{GROUPS}/security")
    assert (named.status_code, named.json()["code"]) == (409, "in_use")
    assert named.json()["used_by"] == ["rule `stripe.refund.*` on `stripe` of gateway `main`"]
    assert owner.delete(f"{rules}/{made['id']}").status_code == 204
    assert owner.delete(f"{GROUPS}/security").status_code == 204


def test_every_rule_gets_its_own_groups_and_people_see_who_is_missing(
    owner: httpx.Client, plane: Plane, crew: dict[str, httpx.Client]
) -> None:
    group(owner, "keys", "bob")
    group(owner, "money", "ada", "eve")
    both = together([Requirement(groups=("keys",)), Requirement(Role.MEMBER, ("money",), 2), Requirement()])
    assert both is not None
    asked = plane.raise_("g1", "groups-1", both)
    path = f"{APPROVALS}/{asked.approval}"
    shown = owner.get(path).json()
    assert (needs(shown), shown["still_needed"]) == ({("keys", 1), ("money", 2), (None, 1)}, 2)
    assert [part["groups"] for part in shown["requirement"]["also"]] == [["money"], []]
    assert shown["standing_note"] == "waits for at least 2 people"
    assert who_must_agree(shown) == (
        "1 of the group `keys`, and 2 of the group `money`, and 1 person with the role member or above"
    )
    assert needs(vote(crew["kim"], asked.approval).json()) == {("keys", 1), ("money", 2)}
    assert needs(vote(crew["bob"], asked.approval).json()) == {("money", 2)}
    assert needs(vote(crew["ada"], asked.approval).json()) == {("money", 1)}
    answered = vote(crew["eve"], asked.approval).json()
    assert (answered["status"], answered["needs"]) == ("approved", [])


def test_one_no_of_one_group_ends_it_for_all(owner: httpx.Client, plane: Plane, crew: dict[str, httpx.Client]) -> None:
    group(owner, "keys", "bob")
    group(owner, "money", "ada", "eve")
    both = together([Requirement(groups=("keys",)), Requirement(groups=("money",))])
    assert both is not None
    asked = plane.raise_("g2", "groups-2", both)
    refused = vote(crew["kim"], asked.approval)
    assert (refused.status_code, refused.json()["code"]) == (403, "group")
    vote(crew["bob"], asked.approval)
    assert vote(crew["eve"], asked.approval, "deny").json()["status"] == "denied"


def test_who_leaves_a_group_no_longer_counts_for_it_when_the_request_goes(
    owner: httpx.Client, plane: Plane, crew: dict[str, httpx.Client]
) -> None:
    group(owner, "late", "bob", "kim")
    asked = plane.raise_("g3", "groups-3", Requirement(groups=("late",)))
    assert vote(crew["bob"], asked.approval).json()["status"] == "approved"
    assert owner.delete(f"{GROUPS}/late/members/{address('bob')}").status_code == 204
    answer = plane.consume(asked.approval, "g3", "groups-3", requirement=Requirement(groups=("late",)))
    assert answer.standing.value == "pending"
    assert owner.get(f"{APPROVALS}/{asked.approval}").json()["status"] == "pending"
    assert vote(crew["kim"], asked.approval).json()["status"] == "approved"


def test_a_group_without_enough_people_is_not_asked(owner: httpx.Client, plane: Plane) -> None:
    group(owner, "empty")
    asked = plane.raise_("g4", "groups-4", Requirement(groups=("empty",)))
    assert asked.reason == "approval_unreachable"
