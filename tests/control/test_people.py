"""Registration, log-in and personal tokens, over HTTP."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import httpx
import pytest
from sqlalchemy import update
from tests.control.running import KEY, PASSWORD, Running, running

from tameflare.control.services import users as service
from tameflare.control.store import tables

LOGIN = "/api/dashboard/login"
REGISTER = "/api/dashboard/register"
TOKENS = "/api/dashboard/tokens"


@pytest.fixture
def fresh(tmp_path: Path) -> Iterator[Running]:
    with running(tmp_path) as made:
        yield made


def person(name: str, **more: str) -> dict[str, str]:
    return {"name": name, "email": f"{name}@example.com", "password": PASSWORD, **more}


def log_in(server: Running, email: str, password: str = PASSWORD) -> httpx.Response:
    return server.client().post(LOGIN, json={"email": email, "password": password})


def test_the_first_owner_needs_the_set_up_code(fresh: Running) -> None:
    code = fresh.services.setup_code.make()
    client = fresh.client()
    assert client.get("/api/health").json()["setup_required"] is True
    for wrong in ({}, {"setup_code": "AAAA-AAAA-AAAA-AAAA"}, {"setup_code": ""}):
        refused = client.post(REGISTER, json=person("ada", **wrong))
        assert (refused.status_code, refused.json()["code"]) == (403, "setup_code")
    made = client.post(REGISTER, json=person("ada", setup_code=code.lower().replace("-", "")))
    assert made.json()["user"]["role"] == "owner"
    assert client.get("/api/health").json()["setup_required"] is False
    again = client.post(REGISTER, json=person("bob", setup_code=code))
    assert again.json()["user"]["role"] == "viewer"
    assert not (fresh.services.database.path.parent / "setup-code").exists()


def test_of_two_racing_first_registrations_exactly_one_becomes_owner(fresh: Running) -> None:
    code = fresh.services.setup_code.make()
    names = ("ada", "bob")
    with ThreadPoolExecutor(len(names)) as pool:
        answers = list(pool.map(lambda name: fresh.client().post(REGISTER, json=person(name, setup_code=code)), names))
    owners = [answer for answer in answers if answer.status_code == 201 and answer.json()["user"]["role"] == "owner"]
    assert len(owners) == 1
    stored = fresh.services.database.read_now(lambda connection: connection.execute(tables.users.select()).all())
    assert [row.role for row in stored].count("owner") == 1


@pytest.mark.parametrize("mode", ["invite", "closed"])
def test_later_registrations_can_be_closed(tmp_path: Path, mode: str) -> None:
    with running(tmp_path, {"SETTINGS_ENCRYPTION_KEY": KEY, "TF_REGISTRATION": mode}) as server:
        server.owner()
        refused = server.client().post(REGISTER, json=person("bob"))
    assert (refused.status_code, refused.json()["code"]) == (403, "registration_closed")


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"password": "short"}, "password"),
        ({"password": "é" * 37}, "password"),
        ({"password": "with a null \0 inside"}, "password"),
        ({"email": "nobody"}, "email"),
        ({"name": ""}, "name"),
        ({"nickname": "x"}, "nickname"),
    ],
)
def test_faulty_registrations_are_refused_with_the_field(server: Running, change: dict[str, str], field: str) -> None:
    refused = server.client().post(REGISTER, json=person("eve") | change)
    assert refused.status_code == 422
    assert [fault["field"] for fault in refused.json()["faults"]] == [field]


def test_every_fault_is_listed_at_once(server: Running) -> None:
    refused = server.client().post(REGISTER, json={"name": "x", "email": "nobody", "password": "short"})
    assert {fault["field"] for fault in refused.json()["faults"]} == {"email", "password"}


def test_an_e_mail_registers_once(server: Running, owner: httpx.Client) -> None:
    taken = server.client().post(REGISTER, json=person("owner") | {"email": "OWNER@example.com"})
    assert (taken.status_code, taken.json()["code"]) == (409, "already_exists")


def test_wrong_e_mail_and_wrong_password_get_the_same_answer(server: Running, owner: httpx.Client) -> None:
    nobody, mistyped = log_in(server, "nobody@example.com"), log_in(server, "owner@example.com", "wrong password")
    assert nobody.status_code == mistyped.status_code == 401
    assert nobody.content == mistyped.content
    assert nobody.json()["message"] == "Invalid email or password"


def test_a_password_is_not_cut_at_72_bytes(server: Running, owner: httpx.Client) -> None:
    exact = "p" * 72
    assert server.client().post(REGISTER, json=person("long") | {"password": exact}).status_code == 201
    assert log_in(server, "long@example.com", exact).status_code == 200
    assert log_in(server, "long@example.com", exact + "q").status_code == 401


def test_a_suspended_account_learns_so_only_after_its_password(server: Running, owner: httpx.Client) -> None:
    token = server.register("Gone")["token"]
    change = update(tables.users).where(tables.users.c.name == "Gone").values(status="suspended")
    server.services.database.write_now(lambda connection: connection.execute(change).close())
    assert log_in(server, "gone@example.com", "wrong password").json()["message"] == service.WRONG
    told = log_in(server, "gone@example.com")
    assert (told.status_code, told.json()["message"]) == (403, "Account is suspended")
    assert server.client(token).get("/api/dashboard/me").status_code == 401


def test_log_in_is_throttled_per_e_mail_and_opens_again(fresh: Running) -> None:
    fresh.owner()
    for _ in range(10):
        assert log_in(fresh, "owner@example.com", "wrong password").status_code == 401
    refused = log_in(fresh, " OWNER@example.com ")
    assert refused.status_code == 429
    assert 0 < int(refused.headers["retry-after"]) <= 300
    fresh.clock.now += 301
    assert log_in(fresh, "owner@example.com").status_code == 200


def test_log_in_is_throttled_per_address(fresh: Running) -> None:
    statuses = [log_in(fresh, f"nobody{number}@example.com").status_code for number in range(31)]
    assert statuses == [401] * 30 + [429]


def test_a_token_lives_until_it_expires_or_is_revoked(fresh: Running) -> None:
    owner = fresh.owner()
    wish = {"name": "ci", "password": PASSWORD, "scopes": ["read"], "expires_in_days": 1}
    made = owner.post(TOKENS, json=wish).json()
    client = fresh.client(made["token"])
    assert client.get("/api/dashboard/me").json()["token"]["scopes"] == ["read"]
    assert owner.delete(f"{TOKENS}/{made['id']}").status_code == 204
    assert client.get("/api/dashboard/me").status_code == 401
    again = fresh.client(owner.post(TOKENS, json=wish).json()["token"])
    fresh.clock.now += 86400
    assert again.get("/api/dashboard/me").status_code == 401
    assert owner.get("/api/dashboard/me").status_code == 200


def test_a_token_takes_only_scopes_that_mean_something(owner: httpx.Client) -> None:
    refused = owner.post(TOKENS, json={"name": "ci", "password": PASSWORD, "scopes": ["everything"]})
    assert refused.status_code == 422
    assert [fault["field"] for fault in refused.json()["faults"]] == ["scopes.0"]


def test_a_token_alone_makes_no_further_token(server: Running, owner: httpx.Client) -> None:
    assert owner.post(TOKENS, json={"name": "more"}).status_code == 422
    assert owner.post(TOKENS, json={"name": "more", "password": "wrong password"}).status_code == 401


def test_a_token_that_is_not_mine_cannot_be_revoked(server: Running, owner: httpx.Client) -> None:
    other = server.client(server.register("Other")["token"])
    mine = owner.get(TOKENS).json()["items"][0]["id"]
    assert other.delete(f"{TOKENS}/{mine}").status_code == 404
    assert mine in {token["id"] for token in owner.get(TOKENS).json()["items"]}


def test_a_token_without_the_scope_is_told_which(server: Running, owner: httpx.Client) -> None:
    made = owner.post(TOKENS, json={"name": "reader", "password": PASSWORD}).json()
    refused = server.client(made["token"]).post("/api/dashboard/gateways", json={"name": "x"})
    assert (refused.status_code, refused.json()["required_scope"]) == (403, "manage")
