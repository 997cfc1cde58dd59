"""Gateways with their tokens, agents, rules, and proxies, over HTTP."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import count

import httpx
import pytest
from tests.control.running import GATEWAYS, Running

from tameflare.core.roles import Role

_numbers = count()


@pytest.fixture
def gateway(owner: httpx.Client) -> Iterator[str]:
    """The path of a fresh gateway."""
    name = f"gateway-{next(_numbers)}"
    assert owner.post(GATEWAYS, json={"name": name}).status_code == 201
    yield f"{GATEWAYS}/{name}"
    owner.delete(f"{GATEWAYS}/{name}")


def fields(response: httpx.Response) -> list[str]:
    assert response.status_code == 422, response.text
    return [fault["field"] for fault in response.json()["faults"]]


def test_a_gateway_begins_with_defaults_and_an_agent(owner: httpx.Client, gateway: str) -> None:
    made = owner.get(gateway).json()
    assert (made["level"], made["rate_limit_per_minute"], made["policy_only"]) == ("full_enforce", 120, False)
    assert [agent["name"] for agent in owner.get(f"{gateway}/agents").json()["items"]] == ["default"]


def test_a_gateway_changes_and_goes(owner: httpx.Client, gateway: str) -> None:
    changed = owner.patch(gateway, json={"level": "monitor", "rate_limit_per_minute": 7}).json()
    assert (changed["level"], changed["rate_limit_per_minute"]) == ("monitor", 7)
    assert owner.patch(gateway, json={"policy_only": True}).json() == changed | {"policy_only": True}
    assert owner.patch(gateway, json={}).json()["policy_only"] is True
    changed = owner.patch(gateway, json={"policy_only": False}).json()
    assert owner.patch(gateway, json={}).json() == changed
    assert owner.delete(gateway).status_code == 204
    assert owner.get(gateway).status_code == 404
    assert owner.get(f"{gateway}/agents").status_code == 404


def test_names_are_used_once(owner: httpx.Client, gateway: str) -> None:
    for path, body in ((GATEWAYS, {"name": gateway.rpartition("/")[2]}), (f"{gateway}/agents", {"name": "default"})):
        taken = owner.post(path, json=body)
        assert (taken.status_code, taken.json()["code"]) == (409, "already_exists")


@pytest.mark.parametrize("name", ["", "a b", "a:b", "-a", "ä", "a" * 65, "a/b"])
def test_names_are_plain_words(owner: httpx.Client, name: str) -> None:
    assert fields(owner.post(GATEWAYS, json={"name": name})) == ["name"]


@pytest.mark.parametrize(
    ("body", "wrong"),
    [
        ({"name": "x", "level": "off"}, ["level"]),
        ({"name": "x", "rate_limit_per_minute": "120"}, ["rate_limit_per_minute"]),
        ({"name": "x", "rate_limit_per_minute": 0, "colour": "red"}, ["rate_limit_per_minute", "colour"]),
        ({"name": 1}, ["name"]),
        ({}, ["name"]),
    ],
)
def test_bodies_are_strict(owner: httpx.Client, body: dict[str, object], wrong: list[str]) -> None:
    assert fields(owner.post(GATEWAYS, json=body)) == wrong


@pytest.mark.parametrize("text", ['{"name": "a", "name": "b"}', '{"name": "a"', "\ufeff{}", '{"name": NaN}', "[]", ""])
def test_a_body_has_one_meaning(owner: httpx.Client, text: str) -> None:
    answer = owner.post(GATEWAYS, content=text.encode(), headers={"Content-Type": "application/json"})
    assert answer.status_code == 422


def test_only_an_owner_lowers_the_level(server: Running, owner: httpx.Client, gateway: str) -> None:
    admin = server.person(Role.ADMIN)
    for refused in (
        admin.patch(gateway, json={"level": "soft_enforce"}),
        admin.post(GATEWAYS, json={"name": "weak", "level": "monitor"}),
    ):
        assert refused.status_code == 403
        assert refused.json() == {"error": "Forbidden", "required_role": "owner", "your_role": "admin"}
    owner.patch(gateway, json={"level": "monitor"})
    assert admin.patch(gateway, json={"level": "full_enforce"}).status_code == 200


def test_a_proxy_token_is_shown_once(owner: httpx.Client, gateway: str) -> None:
    made = owner.post(f"{gateway}/tokens", json={"name": "laptop", "expires_in_days": 2}).json()
    assert made["token"].startswith("gwtk_")
    (listed,) = owner.get(f"{gateway}/tokens").json()["items"]
    assert listed == {key: value for key, value in made.items() if key != "token"}
    assert listed["expires_at"] - listed["created_at"] == 2 * 86400
    assert owner.delete(f"{gateway}/tokens/{made['id']}").status_code == 204
    assert owner.delete(f"{gateway}/tokens/{made['id']}").status_code == 404


def test_agents_are_made_suspended_and_removed(owner: httpx.Client, gateway: str) -> None:
    path = f"{gateway}/agents"
    made = owner.post(path, json={"name": "deploy", "environment": "staging"}).json()
    assert (made["environment"], made["status"]) == ("staging", "active")
    assert owner.patch(f"{path}/deploy", json={"status": "suspended"}).json()["status"] == "suspended"
    assert fields(owner.patch(f"{path}/deploy", json={"status": "asleep"})) == ["status"]
    assert owner.delete(f"{path}/deploy").status_code == 204
    assert owner.patch(f"{path}/deploy", json={}).status_code == 404


def test_a_rule_is_set_changed_and_removed(owner: httpx.Client, gateway: str) -> None:
    owner.post(f"{gateway}/connectors", json={"type": "github"})
    rule = {"connector": "github", "pattern": "github.pr.*", "decision": "allow"}
    first = owner.post(f"{gateway}/rules", json=rule).json()
    second = owner.post(f"{gateway}/rules", json=rule | {"decision": "require_approval"}).json()
    assert (first["id"], second["decision"]) == (second["id"], "requires_approval")
    reads = owner.post(f"{gateway}/rules", json=rule | {"effect": "read"}).json()
    assert reads["id"] != first["id"]
    assert len(owner.get(f"{gateway}/rules").json()["items"]) == 2
    assert owner.delete(f"{gateway}/rules/{first['id']}").status_code == 204
    assert owner.get(f"{gateway}/rules").json()["items"] == [reads]


def test_malformed_patterns_say_what_to_write(owner: httpx.Client, gateway: str) -> None:
    owner.post(f"{gateway}/connectors", json={"type": "github"})
    rules = [
        {"connector": "github", "pattern": "github..*", "decision": "allow"},
        {"connector": "github", "pattern": "github.pr.merge", "decision": "allow"},
        {"connector": "gitlab", "pattern": "a**", "decision": "deny"},
    ]
    refused = owner.put(f"{gateway}/rules", json={"rules": rules})
    assert fields(refused) == ["rules.0.pattern", "rules.2.connector", "rules.2.pattern"]
    assert all(fault["help"] for fault in refused.json()["faults"])
    assert owner.get(f"{gateway}/rules").json()["items"] == []


@pytest.mark.parametrize(
    ("name", "rule"),
    [
        ("allow_all", ("**", "allow", None)),
        ("read_only", ("*", "allow", "read")),
        ("require_approval", ("**", "requires_approval", None)),
    ],
)
def test_a_preset_replaces_the_rules_of_its_connector(
    owner: httpx.Client, gateway: str, name: str, rule: tuple[str, str, str | None]
) -> None:
    for connector in ("github", "openai"):
        owner.post(f"{gateway}/connectors", json={"type": connector})
        owner.post(f"{gateway}/rules", json={"connector": connector, "pattern": "x", "decision": "deny"})
    found = owner.post(f"{gateway}/rules/preset", json={"connector": "github", "preset": name}).json()["items"]
    shown = [(each["connector"], each["pattern"], each["decision"], each["effect"]) for each in found]
    assert shown == [("github", *rule), ("openai", "x", "deny", None)]


def test_a_proxy_is_registered_rotated_and_forgotten(server: Running, owner: httpx.Client, gateway: str) -> None:
    name = gateway.rpartition("/")[2]
    made = owner.post("/api/dashboard/proxies", json={"name": "edge", "gateways": [name]}).json()
    feed = server.client(made["token"]).get("/api/link/feed")
    assert feed.json()["proxy"] == made["id"]
    (listed,) = owner.get("/api/dashboard/proxies").json()["items"]
    assert (listed["gateways"], listed["last_seen"]) == ([name], int(server.clock.now))
    rotated = owner.post("/api/dashboard/proxies/edge/rotate").json()
    assert server.client(made["token"]).get("/api/link/feed").status_code == 401
    assert server.client(rotated["token"]).get("/api/link/feed").status_code == 200
    assert owner.delete("/api/dashboard/proxies/edge").status_code == 204
    assert server.client(rotated["token"]).get("/api/link/feed").status_code == 401
    assert owner.post("/api/dashboard/proxies", json={"name": "edge", "gateways": ["none"]}).status_code == 404
