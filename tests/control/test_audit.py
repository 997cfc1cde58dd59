"""Who did what stands in the log: one line for each change."""

from __future__ import annotations

from typing import Any

import httpx
import pytest
from structlog.testing import capture_logs
from tests.control.running import GATEWAYS, PASSWORD, Running

MAIN = f"{GATEWAYS}/main"
CHANGES: list[tuple[str, str, dict[str, Any] | None, str]] = [
    ("POST", GATEWAYS, {"name": "main"}, "gateway.created"),
    ("PATCH", MAIN, {"level": "monitor"}, "gateway.updated"),
    ("POST", f"{MAIN}/tokens", {}, "gateway.token_created"),
    ("POST", f"{MAIN}/agents", {"name": "deploy"}, "agent.registered"),
    ("PATCH", f"{MAIN}/agents/deploy", {"environment": "staging"}, "agent.updated"),
    ("PATCH", f"{MAIN}/agents/deploy", {"status": "suspended"}, "agent.suspended"),
    ("PATCH", f"{MAIN}/agents/deploy", {"status": "revoked"}, "agent.revoked"),
    ("DELETE", f"{MAIN}/agents/deploy", None, "agent.deleted"),
    ("POST", f"{MAIN}/connectors", {"type": "github"}, "connector.created"),
    ("PATCH", f"{MAIN}/connectors/github", {"identify": True}, "connector.updated"),
    ("PUT", f"{MAIN}/connectors/github/credential", {"value": "ghp_x"}, "credential.set"),
    ("DELETE", f"{MAIN}/connectors/github/credential", None, "credential.deleted"),
    ("POST", f"{MAIN}/rules", {"connector": "github", "pattern": "**", "decision": "allow"}, "rule.set"),
    ("POST", f"{MAIN}/rules/preset", {"connector": "github", "preset": "read_only"}, "rules.preset"),
    ("PUT", f"{MAIN}/rules", {"rules": []}, "rules.replaced"),
    ("POST", "/api/v1/kill-switch", {"active": True, "scope": "main", "reason": "drill"}, "kill_switch.activated"),
    ("POST", "/api/v1/kill-switch", {"active": False, "scope": "main"}, "kill_switch.deactivated"),
    ("DELETE", f"{MAIN}/connectors/github", None, "connector.deleted"),
    ("POST", "/api/dashboard/proxies", {"name": "edge"}, "proxy.created"),
    ("POST", "/api/dashboard/proxies/edge/rotate", None, "proxy.token_rotated"),
    ("DELETE", "/api/dashboard/proxies/edge", None, "proxy.deleted"),
    ("POST", "/api/dashboard/tokens", {"name": "ci", "password": PASSWORD}, "token.created"),
    ("DELETE", MAIN, None, "gateway.deleted"),
]


def test_every_change_logs_one_line_with_who_did_it(owner: httpx.Client) -> None:
    me = owner.get("/api/dashboard/me").json()["user"]["id"]
    for method, path, body, event in CHANGES:
        with capture_logs() as logs:
            answer = owner.request(method, path, json=body)
        assert answer.is_success, (method, path, answer.text)
        assert [(line["event"], line["actor"], line["actor_name"]) for line in logs] == [(event, me, "Owner")]


def test_the_scope_of_a_kill_switch_is_logged_in_full(owner: httpx.Client) -> None:
    owner.post(GATEWAYS, json={"name": "named"})
    with capture_logs() as logs:
        owner.post("/api/v1/kill-switch", json={"active": True, "scope": "named", "reason": "drill"})
    assert [(line["scope"], line["reason"]) for line in logs] == [("gateway:named", "drill")]


@pytest.mark.parametrize("prefix", ["gwtk_", "gwln_", "tfr_"])
def test_a_token_in_the_wrong_place_is_logged_by_its_kind_alone(server: Running, prefix: str) -> None:
    with capture_logs() as logs:
        server.client(f"{prefix}canary").get("/api/dashboard/me")
    (line,) = logs
    assert (line["event"], line["kind"], line["address"]) == ("token_misplaced", prefix, "127.0.0.1")
    assert "canary" not in repr(line)
