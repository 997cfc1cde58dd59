"""Owners and admins manage people: who may be added, changed and suspended by whom."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
from tests.control.holding import Plane
from tests.control.running import PASSWORD, Running, running

from tameflare.core.roles import Role
from tameflare.link.approvals import HeldAction

USERS = "/api/dashboard/users"
APPROVALS = "/api/dashboard/approvals"
CALL = HeldAction("slack.message.send", "medium", "public", {"channel": "C1"}, {"text": "hello"})


@pytest.fixture
def server(tmp_path: Path) -> Iterator[Running]:
    """Registration is closed, as it is unless somebody opens it."""
    with running(tmp_path, {}) as made:
        yield made


@pytest.fixture
def owner(server: Running) -> httpx.Client:
    return server.owner()


def add(client: httpx.Client, name: str, role: str) -> httpx.Response:
    body = {"name": name, "email": f"{name}@example.com", "role": role, "password": PASSWORD}
    return client.post(USERS, json=body)


def log_in(server: Running, name: str) -> httpx.Client:
    answer = server.client().post("/api/dashboard/login", json={"email": f"{name}@example.com", "password": PASSWORD})
    assert answer.status_code == 200, answer.text
    return server.client(answer.json()["token"])


def change(client: httpx.Client, name: str, **values: str) -> httpx.Response:
    return client.patch(f"{USERS}/{name}@example.com", json=values)


def test_somebody_is_added_logs_in_and_is_listed(server: Running, owner: httpx.Client) -> None:
    made = add(owner, "Grace", "member")
    assert made.status_code == 201
    assert log_in(server, "grace").get("/api/dashboard/me").json()["user"]["role"] == "member"
    listed = owner.get(USERS).json()["items"]
    assert [(user["email"], user["role"], user["status"]) for user in listed] == [
        ("grace@example.com", "member", "active"),
        ("owner@example.com", "owner", "active"),
    ]
    assert "password" not in owner.get(USERS).text
    assert change(owner, "Grace", role="admin").json()["role"] == "admin", "also by the id or another case"
    assert owner.patch(f"{USERS}/{made.json()['id']}", json={"role": "viewer"}).json()["role"] == "viewer"


def test_every_fault_is_told_at_once(owner: httpx.Client) -> None:
    refused = owner.post(USERS, json={"name": "G", "email": "nobody", "role": "member", "password": "short"})
    assert refused.status_code == 422
    assert [fault["field"] for fault in refused.json()["faults"]] == ["email", "password"]
    assert add(owner, "grace", "member").status_code == 201
    assert add(owner, "grace", "member").json()["code"] == "already_exists"


def test_an_admin_gives_no_more_than_he_has_and_changes_no_equal(server: Running, owner: httpx.Client) -> None:
    for name, role in (("ada", "admin"), ("bob", "admin"), ("grace", "member")):
        assert add(owner, name, role).status_code == 201
    ada = log_in(server, "ada")
    assert add(ada, "eve", "owner").status_code == 403
    assert add(ada, "eve", "admin").status_code == 201
    assert change(ada, "grace", role="owner").status_code == 403
    assert change(ada, "grace", role="admin").status_code == 200
    for name in ("bob", "owner", "grace"):
        assert change(ada, name, role="viewer").status_code == 403
        assert change(ada, name, status="suspended").status_code == 403


def test_nobody_changes_himself_so_an_owner_always_remains(server: Running, owner: httpx.Client) -> None:
    assert change(owner, "owner", role="viewer").json()["code"] == "oneself"
    add(owner, "second", "owner")
    second = log_in(server, "second")
    assert change(second, "owner", role="viewer").status_code == 200
    assert change(owner, "second", role="viewer").status_code == 403
    assert change(second, "second", status="suspended").json()["code"] == "oneself"


def test_who_is_suspended_is_let_in_no_more_and_may_come_back(server: Running, owner: httpx.Client) -> None:
    add(owner, "grace", "member")
    grace = log_in(server, "grace")
    assert change(owner, "grace", status="suspended").json()["status"] == "suspended"
    assert grace.get("/api/dashboard/me").status_code == 401
    assert change(owner, "grace", status="active").status_code == 200
    assert grace.get("/api/dashboard/me").status_code == 200


@pytest.mark.parametrize("role", [Role.MEMBER, Role.VIEWER])
def test_members_and_viewers_manage_nobody(server: Running, owner: httpx.Client, role: Role) -> None:
    add(owner, "grace", role.value)
    grace = log_in(server, "grace")
    assert grace.get(USERS).status_code == add(grace, "eve", "viewer").status_code == 403
    assert change(grace, "owner", role="viewer").status_code == 403


def test_what_somebody_agreed_to_is_remembered_no_longer_when_he_changes(server: Running, owner: httpx.Client) -> None:
    plane = Plane(server, owner)
    add(owner, "grace", "member")
    grace = log_in(server, "grace")
    asked = plane.raise_("r1", actions=(CALL,))
    grace.post(f"{APPROVALS}/{asked.approval}/votes", json={"vote": "approve", "remember": "hour"})
    assert len(owner.get(f"{APPROVALS}/remembered").json()["remembered"]) == 1
    before = plane.version
    change(owner, "grace", role="viewer")
    assert owner.get(f"{APPROVALS}/remembered").json()["remembered"] == []
    assert plane.version == before + 1, "proxies are told"
