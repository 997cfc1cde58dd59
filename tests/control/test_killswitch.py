"""Throwing the kill switch, over HTTP."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import httpx
import pytest
from tests.control.running import GATEWAYS, PASSWORD, Running

from tameflare.core.roles import Role

THROW = "/api/v1/kill-switch"
READ = "/api/dashboard/kill-switch"


@pytest.fixture(scope="module")
def agents(owner: httpx.Client) -> dict[str, str]:
    """Ids of agents by gateway: two gateways with a connector `github` each; the second is named `github`."""
    for name in ("main", "github"):
        owner.post(GATEWAYS, json={"name": name})
        owner.post(f"{GATEWAYS}/{name}/connectors", json={"type": "openai"})
    owner.post(f"{GATEWAYS}/main/connectors", json={"type": "github"})
    owner.post(f"{GATEWAYS}/main/agents", json={"name": "deploy"})
    listed = {name: owner.get(f"{GATEWAYS}/{name}/agents").json()["items"] for name in ("main", "github")}
    return {f"{name}/{agent['name']}": agent["id"] for name, found in listed.items() for agent in found}


@pytest.fixture(autouse=True)
def _off_again(owner: httpx.Client, agents: dict[str, str]) -> Iterator[None]:
    yield
    for switch in owner.get(READ).json()["switches"]:
        assert throw(owner, switch["scope"], active=False).status_code == 200
    assert owner.get(READ).json() == {"active": False, "switches": []}


def throw(client: httpx.Client, scope: str, *, active: bool = True, **more: Any) -> httpx.Response:
    return client.post(THROW, json={"active": active, "scope": scope, "reason": "drill", **more})


def test_each_scope_is_on_by_itself(owner: httpx.Client, server: Running) -> None:
    assert throw(owner, "all").json()["scope"] == "all"
    assert throw(owner, "connector:github").json()["scope"] == "connector:github"
    found = owner.get(READ).json()
    assert [switch["scope"] for switch in found["switches"]] == ["all", "connector:github"]
    assert found["switches"][0] == {"scope": "all", "reason": "drill", "since": int(server.clock.now), "by": "Owner"}
    assert [s["scope"] for s in throw(owner, "all", active=False).json()["switches"]] == ["connector:github"]


def test_a_bare_word_stands_for_the_one_object_of_that_name(owner: httpx.Client, agents: dict[str, str]) -> None:
    assert throw(owner, "main").json()["scope"] == "gateway:main"
    assert throw(owner, "openai").json()["scope"] == "connector:openai"
    assert throw(owner, "deploy").json()["scope"] == f"agent:{agents['main/deploy']}"
    assert throw(owner, agents["github/default"]).json()["scope"] == f"agent:{agents['github/default']}"


def test_an_ambiguous_word_is_answered_with_the_candidates(owner: httpx.Client, agents: dict[str, str]) -> None:
    refused = throw(owner, "github")
    assert refused.status_code == 409
    assert refused.json()["candidates"] == ["connector:github", "gateway:github"]
    several = throw(owner, "agent:default")
    assert several.status_code == 409
    expected = sorted(f"agent:{agents[f'{name}/default']}" for name in ("main", "github"))
    assert several.json()["candidates"] == expected


@pytest.mark.parametrize("scope", ["nothing", "connector:nothing", "agent:", "planet:earth", ""])
def test_a_scope_that_names_nothing_is_refused(owner: httpx.Client, scope: str) -> None:
    assert throw(owner, scope).status_code == 422
    assert owner.get(READ).json()["active"] is False


def test_the_scope_of_an_object_that_is_gone_can_still_be_switched_off(owner: httpx.Client) -> None:
    owner.post(GATEWAYS, json={"name": "short"})
    throw(owner, "gateway:short")
    owner.delete(f"{GATEWAYS}/short")
    assert throw(owner, "short", active=False).json() == {"active": False, "switches": [], "scope": "gateway:short"}


def test_only_an_owner_with_a_token_for_it(server: Running, owner: httpx.Client) -> None:
    refused = throw(server.person(Role.ADMIN), "all")
    assert (refused.status_code, refused.json()["required_role"]) == (403, "owner")
    wish = {"name": "manager", "password": PASSWORD, "scopes": ["read", "manage"]}
    token = owner.post("/api/dashboard/tokens", json=wish).json()["token"]
    refused = throw(server.client(token), "all")
    assert (refused.status_code, refused.json()["required_scope"]) == (403, "kill_switch")
