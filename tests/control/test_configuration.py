"""What proxies are told: versions, snapshots, and what a wrong master key does to them."""

from __future__ import annotations

import asyncio
from pathlib import Path

import httpx
import msgspec
import pytest
from structlog.testing import capture_logs
from tests.control.running import GATEWAYS, KEY, Running, running

from tameflare.core.config import Configuration
from tameflare.core.decision import Verdict
from tameflare.core.killswitch import KillSwitch, ScopeKind
from tameflare.link.messages import Bundle, Feed, Snapshot
from tameflare.link.seal import SealBroken, bundle_key, open_snapshot
from tameflare.link.tokens import digest

MAIN = f"{GATEWAYS}/main"
PROXIES = "/api/dashboard/proxies"
SECRET = "ghp_0123456789abcdefghijklmnop9876"


def snapshot(server: Running, token: str) -> tuple[str, Snapshot]:
    """Id of the proxy and the snapshot that its feed brings."""
    answer = server.client(token).get("/api/link/feed")
    assert answer.status_code == 200, answer.text
    feed = msgspec.json.decode(answer.content, type=Feed)
    (message,) = (entry.message for entry in feed.entries if isinstance(entry.message, Snapshot))
    return feed.proxy, message


def opened(server: Running, token: str) -> tuple[Configuration, Bundle]:
    proxy, message = snapshot(server, token)
    return open_snapshot(message, bundle_key(token, proxy), proxy)


def version(client: httpx.Client) -> int:
    return int(client.get("/api/health").json()["version"])


def furnish(owner: httpx.Client) -> str:
    """A gateway `main` with a token (returned), an agent, two connectors and a rule."""
    owner.post(GATEWAYS, json={"name": "main", "rate_limit_per_minute": 9, "policy_only": True})
    owner.post(f"{MAIN}/agents", json={"name": "deploy", "environment": "staging"})
    owner.post(f"{MAIN}/connectors", json={"type": "github", "secret": SECRET, "record": ["base"]})
    owner.post(f"{MAIN}/connectors", json={"type": "openai"})
    owner.post(f"{MAIN}/rules", json={"connector": "github", "pattern": "github.pr.*", "decision": "deny"})
    return str(owner.post(f"{MAIN}/tokens", json={}).json()["token"])


def test_a_snapshot_holds_everything_and_opens_only_for_its_proxy(tmp_path: Path) -> None:
    with running(tmp_path) as server:
        owner = server.owner()
        token = furnish(owner)
        owner.post("/api/v1/kill-switch", json={"active": True, "scope": "openai", "reason": "drill"})
        link = owner.post(PROXIES, json={"name": "edge"}).json()["token"]
        other = owner.post(PROXIES, json={"name": "other"}).json()["token"]
        configuration, bundle = opened(server, link)
        proxy, message = snapshot(server, link)
    (gateway,) = configuration.gateways
    assert (gateway.name, gateway.rate_limit_per_minute, gateway.policy_only) == ("main", 9, True)
    assert {agent.name: agent.environment for agent in gateway.agents} == {"default": "production", "deploy": "staging"}
    assert {found.name: found.record for found in gateway.connectors} == {"github": ("base",), "openai": ()}
    assert [(r.connector, r.pattern, r.decision) for r in gateway.rules] == [("github", "github.pr.*", Verdict.DENY)]
    assert configuration.kill_switches == (KillSwitch(ScopeKind.CONNECTOR, "openai", "drill"),)
    assert [held.digest for held in gateway.tokens] == [digest(token, bundle.token_key)]
    (credential,) = bundle.credentials
    assert credential.value == SECRET
    assert credential.connector == next(found.id for found in gateway.connectors if found.name == "github")
    assert SECRET.encode() not in message.configuration
    with pytest.raises(SealBroken):
        open_snapshot(message, bundle_key(other, proxy), proxy)


def test_a_proxy_hears_only_of_what_it_serves(tmp_path: Path) -> None:
    with running(tmp_path) as server:
        owner = server.owner()
        furnish(owner)
        owner.post(GATEWAYS, json={"name": "second"})
        owner.post(f"{GATEWAYS}/second/connectors", json={"type": "stripe", "secret": "rk_second_0123456789abcdef"})
        for name, scope in (("all", "{}"), ("mains", "{gateways: [main]}"), ("seconds", "{gateways: ['sec*']}")):
            source = f"name: {name}\nscope: {scope}\nrules: [{{name: r, decision: deny}}]\n"
            assert owner.put(f"/api/dashboard/policies/{name}", json={"source": source}).status_code == 200
        link = owner.post(PROXIES, json={"name": "edge", "gateways": ["second"]}).json()["token"]
        configuration, bundle = opened(server, link)
        assert [gateway.name for gateway in configuration.gateways] == ["second"]
        assert [policy.name for policy in configuration.policies] == ["all", "seconds"]
        assert [credential.value for credential in bundle.credentials] == ["rk_second_0123456789abcdef"]
        owner.delete(f"{GATEWAYS}/second")
        configuration, bundle = opened(server, link)
        assert (configuration.gateways, bundle.credentials) == ((), ())


CHANGES = [
    ("PATCH", "", {"level": "monitor"}),
    ("POST", "/tokens", {}),
    ("POST", "/agents", {"name": "second"}),
    ("PATCH", "/agents/deploy", {"status": "suspended"}),
    ("POST", "/connectors", {"type": "stripe"}),
    ("PATCH", "/connectors/openai", {"identify": True}),
    ("PUT", "/connectors/openai/credential", {"value": "sk-new-key"}),
    ("DELETE", "/connectors/openai/credential", None),
    ("POST", "/rules", {"connector": "openai", "pattern": "**", "decision": "allow"}),
    ("POST", "/rules/preset", {"connector": "openai", "preset": "read_only"}),
    ("PUT", "/rules", {"rules": []}),
    ("DELETE", "/agents/second", None),
    ("DELETE", "/connectors/openai", None),
    ("DELETE", "", None),
]


def test_every_change_raises_the_version_by_one_and_no_refusal_does(tmp_path: Path) -> None:
    with running(tmp_path) as server:
        owner = server.owner()
        furnish(owner)
        for method, path, body in CHANGES:
            before = version(owner)
            assert owner.request(method, MAIN + path, json=body).is_success
            assert version(owner) == before + 1, path
        before = version(owner)
        assert owner.post(GATEWAYS, json={"name": "main"}).is_success
        assert owner.post(GATEWAYS, json={"name": "main"}).status_code == 409
        assert owner.patch(f"{MAIN}/agents/nobody", json={}).status_code == 404
        assert version(owner) == before + 1


def test_a_change_reaches_a_waiting_proxy(tmp_path: Path) -> None:
    with running(tmp_path) as server:
        owner = server.owner()
        link = owner.post(PROXIES, json={"name": "edge"}).json()["token"]
        cursor = server.client(link).get("/api/link/feed").json()["cursor"]
        url, headers = f"{server.url}/api/link/feed", {"Authorization": f"Bearer {link}"}

        async def poll_and_change() -> httpx.Response:
            async with httpx.AsyncClient(trust_env=False, timeout=30) as client:
                waiting = asyncio.create_task(client.get(url, params={"cursor": cursor, "wait": 20}, headers=headers))
                await asyncio.sleep(0)
                await asyncio.to_thread(owner.post, GATEWAYS, json={"name": "main"})
                return await waiting

        answer = asyncio.run(poll_and_change())
        feed = msgspec.json.decode(answer.content, type=Feed)
        assert [type(entry.message) for entry in feed.entries] == [Snapshot]


def test_with_a_wrong_master_key_the_server_starts_without_the_credentials(tmp_path: Path) -> None:
    with running(tmp_path) as server:
        furnish(server.owner())
    with capture_logs() as logs, running(tmp_path, {"SETTINGS_ENCRYPTION_KEY": "6d" * 32}) as server:
        answer = server.client().post(
            "/api/dashboard/login", json={"email": "owner@example.com", "password": "correct horse battery"}
        )
        owner = server.client(answer.json()["token"])
        link = owner.post(PROXIES, json={"name": "edge"}).json()["token"]
        configuration, bundle = opened(server, link)
        assert len(configuration.gateways[0].connectors) == 2
        assert bundle.credentials == ()
        health = owner.get("/api/health").json()
        assert (health["status"], health["signing_key"]) == ("degraded", "replaced")
        (warning,) = [text for text in health["warnings"] if text.startswith("connector `github` of gateway `main`")]
        assert "another SETTINGS_ENCRYPTION_KEY" in warning
        assert "another SETTINGS_ENCRYPTION_KEY" in owner.get(f"{MAIN}/connectors/github/credential").json()["problem"]
        owner.put(f"{MAIN}/connectors/github/credential", json={"value": SECRET})
        assert [credential.value for credential in opened(server, link)[1].credentials] == [SECRET]
        assert not any("connector" in warning for warning in owner.get("/api/health").json()["warnings"])
    assert "credential_unreadable" in {line["event"] for line in logs}


def test_with_the_right_key_again_all_is_as_it_was(tmp_path: Path) -> None:
    with running(tmp_path) as server:
        owner = server.owner()
        furnish(owner)
        token = owner.headers["Authorization"].removeprefix("Bearer ")
    with running(tmp_path, {"SETTINGS_ENCRYPTION_KEY": "6d" * 32}) as server:
        assert server.client(token).get("/api/dashboard/me").status_code == 401
    with running(tmp_path) as server:
        owner = server.client(token)
        assert owner.get("/api/health").json()["warnings"] == []
        assert owner.get(f"{MAIN}/connectors/github/credential").json()["masked"] == "ghp…****9876"


def test_what_was_stored_plain_is_read_and_sealed_later(tmp_path: Path) -> None:
    with capture_logs() as logs, running(tmp_path, {}) as server:
        owner = server.owner()
        furnish(owner)
        token = owner.headers["Authorization"].removeprefix("Bearer ")
        health = owner.get("/api/health").json()
        assert (health["status"], health["warnings"]) == ("degraded", ["Secrets stored without encryption"])
        assert owner.get(f"{MAIN}/connectors/github/credential").json()["sealed"] is False
    assert ("warning", "Secrets stored without encryption") in {(line["log_level"], line["event"]) for line in logs}
    with running(tmp_path, {"SETTINGS_ENCRYPTION_KEY": KEY}) as server:
        owner = server.client(token)
        path = f"{MAIN}/connectors/github/credential"
        assert owner.get(path).json()["masked"] == "ghp…****9876"
        assert owner.put(path, json={"value": SECRET}).json()["sealed"] is True
        assert owner.get("/api/health").json()["status"] == "ok"
