"""Who may answer an approval, and whose answer counts, over HTTP."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import httpx
from sqlalchemy import update
from tests.control.approvals.asking import APPROVALS, vote
from tests.control.holding import Plane
from tests.control.running import PASSWORD, Running

from tameflare.control.store.tables import users
from tameflare.core.approval import Requirement
from tameflare.core.roles import Role
from tameflare.link.approvals import Standing


def suspend(server: Running, name: str) -> None:
    change = update(users).where(users.c.name == name).values(status="suspended")
    server.services.database.write_now(lambda connection: connection.execute(change).close())


def test_a_double_click_is_told_how_it_stands(plane: Plane, member: httpx.Client) -> None:
    asked = plane.raise_("r1")
    assert vote(member, asked.approval).json()["status"] == "approved"
    late = vote(member, asked.approval, "deny")
    assert (late.status_code, late.json()["code"]) == (409, "already_answered")
    assert late.json()["approval"]["status"] == "approved"
    assert plane.consume(asked.approval, "r1").standing is Standing.RELEASED


def test_approve_and_deny_at_once_have_one_winner(server: Running, plane: Plane, member: httpx.Client) -> None:
    admin = server.person(Role.ADMIN)
    for number in range(10):
        asked = plane.raise_(f"r{number}", f"d{number}")
        with ThreadPoolExecutor(2) as pool:
            answers = [
                pool.submit(vote, client, asked.approval, word)
                for client, word in ((member, "approve"), (admin, "deny"))
            ]
        assert sorted(answer.result().status_code for answer in answers) == [200, 409]


def test_viewers_and_lower_roles_than_the_rule_asks_for_do_not_vote(
    server: Running, plane: Plane, member: httpx.Client
) -> None:
    server.person(Role.ADMIN)
    asked = plane.raise_("r1", requirement=Requirement(role=Role.ADMIN))
    refused = vote(member, asked.approval)
    assert (refused.status_code, refused.json()["required_role"], refused.json()["your_role"]) == (
        403,
        "admin",
        "member",
    )
    refused = vote(server.person(Role.VIEWER), asked.approval)
    assert (refused.status_code, refused.json()["required_role"]) == (403, "member")


def test_a_token_without_the_scope_does_not_vote(server: Running, plane: Plane, owner: httpx.Client) -> None:
    asked = plane.raise_("r1")
    wish = {"name": "manager", "password": PASSWORD, "scopes": ["read", "manage", "kill_switch"]}
    client = server.client(owner.post("/api/dashboard/tokens", json=wish).json()["token"])
    refused = vote(client, asked.approval)
    assert (refused.status_code, refused.json()["required_scope"]) == (403, "approve")


def test_whoever_is_alone_answers_for_his_own_agents(plane: Plane, owner: httpx.Client) -> None:
    assert vote(owner, plane.raise_("r1").approval).json()["status"] == "approved"


def test_with_two_people_the_maker_of_the_agent_does_not_answer(
    plane: Plane, owner: httpx.Client, member: httpx.Client
) -> None:
    asked = plane.raise_("r1")
    refused = vote(owner, asked.approval)
    assert (refused.status_code, refused.json()["code"]) == (403, "four_eyes")
    assert vote(owner, asked.approval, "deny").status_code == 403
    assert vote(member, asked.approval).status_code == 200


def test_whoever_made_the_token_of_the_run_does_not_answer_either(
    server: Running, plane: Plane, owner: httpx.Client, member: httpx.Client
) -> None:
    admin = server.person(Role.ADMIN)
    token = admin.post(f"/api/dashboard/gateways/{plane.name}/tokens", json={}).json()["id"]
    asked = plane.raise_("r1", token=token)
    assert vote(admin, asked.approval).json()["code"] == "four_eyes"
    assert vote(member, asked.approval).status_code == 200


def test_the_vote_of_somebody_who_was_suspended_is_void(server: Running, plane: Plane, member: httpx.Client) -> None:
    admin = server.person(Role.ADMIN)
    asked = plane.raise_("r1")
    assert vote(member, asked.approval).json()["status"] == "approved"
    suspend(server, "Member")
    assert plane.consume(asked.approval, "r1").standing is Standing.PENDING
    shown = admin.get(f"{APPROVALS}/{asked.approval}").json()
    assert (shown["status"], shown["still_needed"], len(shown["votes"])) == ("pending", 1, 1)
    vote(admin, asked.approval)
    assert plane.consume(asked.approval, "r1").standing is Standing.RELEASED


def test_a_later_vote_replaces_the_earlier_one(server: Running, plane: Plane, member: httpx.Client) -> None:
    server.person(Role.ADMIN)
    asked = plane.raise_("r1", requirement=Requirement(quorum=2))
    vote(member, asked.approval)
    assert vote(member, asked.approval).json()["still_needed"] == 1, "one person counts once"
    shown = vote(member, asked.approval, "deny", reason="on second thoughts").json()
    assert (shown["status"], len(shown["votes"])) == ("denied", 1)
