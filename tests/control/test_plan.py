"""Limits of an installation: agents, and the actions of a month."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import httpx
import pytest
from tests.control.asking import agent
from tests.control.records import frames, intent, outcome, refusal
from tests.control.running import GATEWAYS, KEY, Running, running

from tameflare.core.errors import SettingError
from tameflare.link.messages import RECORDS_PATH
from tameflare.settings import MAX_ACTIONS, Settings

ENVIRONMENT = {"SETTINGS_ENCRYPTION_KEY": KEY, "TF_REGISTRATION": "open"}
TO = {"type": "email.send", "parameters": {"to": "ana@example.com"}}
ASK = {"type": "email.send", "parameters": {"to": "li@example.org"}}


def ask(client: httpx.Client, body: dict[str, object] = TO, **headers: str) -> int:
    return client.post("/api/v1/actions", json=body, headers=headers).status_code


def test_there_may_be_so_many_agents(tmp_path: Path) -> None:
    with running(tmp_path, {**ENVIRONMENT, "TF_MAX_AGENTS": "3"}) as server:
        owner = server.owner()
        agents = f"{GATEWAYS}/main/agents"
        owner.post(GATEWAYS, json={"name": "main"})  # with an agent of its own
        assert [owner.post(agents, json={"name": name}).status_code for name in "abc"] == [201, 201, 403]
        refused = owner.post(GATEWAYS, json={"name": "second"})
        assert (refused.status_code, refused.json()["code"]) == (403, "plan_limit_agents")
        assert len(owner.get(GATEWAYS).json()["items"]) == 1
        assert owner.patch(f"{agents}/a", json={"status": "revoked"}).status_code == 200
        assert owner.post(agents, json={"name": "d"}).status_code == 201
        again = owner.patch(f"{agents}/a", json={"status": "active"})
        assert (again.status_code, again.json()["code"]) == (403, "plan_limit_agents")
        assert owner.patch(f"{agents}/d", json={"status": "suspended"}).status_code == 200


def test_a_month_may_have_so_many_actions_also_after_a_restart(tmp_path: Path) -> None:
    environment = {**ENVIRONMENT, "TF_MAX_ACTIONS_PER_MONTH": "10"}
    with running(tmp_path, environment) as server:
        key = use_up(server, server.owner())
    with running(tmp_path, environment) as server:
        client = server.client(key)
        assert ask(client) == 429
        server.clock.now += 31 * 86400
        assert ask(client) == 200
    with running(tmp_path, ENVIRONMENT) as server:
        assert [ask(server.client(key)) for _ in range(10)] == [200] * 10
    with running(tmp_path, environment) as server:
        assert ask(server.client(key)) == 429, "what was recorded without a limit counts too"


def use_up(server: Running, owner: httpx.Client) -> str:
    """Use the month up by every road; the agent's key."""
    client = agent(server, owner)
    link = server.client(owner.post("/api/dashboard/proxies", json={"name": "edge"}).json()["token"])
    named = [intent(f"r{n}") for n in range(4)] + [outcome(f"r{n}") for n in range(4)]
    nameless = [refusal("nameless", actions=())]
    place = {"x-tameflare-epoch": "e", "x-tameflare-sequence": "0"}
    assert link.post(RECORDS_PATH, content=frames([*named, *nameless]), headers=place).status_code == 200
    assert [ask(client, ASK) for _ in range(2)] == [200] * 2
    assert [ask(client, **{"Idempotency-Key": "once"}) for _ in range(3)] == [200] * 3  # one action
    for _ in range(3):
        assert client.post("/api/v1/actions/dry-run", json=TO).status_code == 200
    with ThreadPoolExecutor(8) as threads:
        statuses = list(threads.map(lambda _: ask(client), range(9)))
    assert (statuses.count(200), statuses.count(429)) == (10 - 4 - 2 - 1, 6)
    refused = client.post("/api/v1/actions", json=ASK)
    assert (refused.status_code, refused.json()["code"]) == (429, "plan_limit_actions")
    assert 0 < int(refused.headers["retry-after"]) <= 31 * 86400
    assert len(client.get("/api/v1/actions", params={"limit": 200}).json()["items"]) == 6
    return client.headers["authorization"].removeprefix("Bearer ")


@pytest.mark.parametrize("value", ["0", "-1", "many", "1.5"])
def test_a_limit_is_a_number(value: str) -> None:
    with pytest.raises(SettingError):
        Settings({"TF_MAX_ACTIONS_PER_MONTH": value}).get(MAX_ACTIONS)
