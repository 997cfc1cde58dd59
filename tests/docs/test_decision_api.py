"""The requests of docs/decision-api.md, against a real server that was set up as the page says."""

from __future__ import annotations

import json
import re
from pathlib import Path

from tests.control.running import GATEWAYS, running

from tameflare.core.action_states import ActionStatus

PAGE = (Path(__file__).resolve().parents[2] / "docs/decision-api.md").read_text()
RULES = re.findall(r"^tf permissions set (\w+) '([^']+)' (\w+)$", PAGE, re.MULTILINE)
BODIES = [json.loads(body) for body in re.findall(r"--json '(.*?)'", PAGE, re.DOTALL)]
(ANSWER,) = (json.loads(text) for text in re.findall(r"```json\n(.*?)```", PAGE, re.DOTALL))


def test_the_quickstart_does_what_it_says(tmp_path: Path) -> None:
    with running(tmp_path) as server:
        owner = server.owner()
        owner.post(GATEWAYS, json={"name": "main"})
        owner.post(f"{GATEWAYS}/main/agents", json={"name": "mailer"})
        for connector, pattern, decision in RULES:
            rule = {"connector": connector, "pattern": pattern, "decision": decision}
            assert owner.post(f"{GATEWAYS}/main/rules", json=rule).status_code == 201
        client = server.client(owner.post(f"{GATEWAYS}/main/agents/mailer/keys", json={}).json()["key"])
        ask, explain = BODIES
        found = client.post("/api/v1/actions", json=ask).json()
        assert found.keys() == ANSWER.keys()
        differ = {name for name in found if found[name] != ANSWER[name]}
        assert differ == {"action_request_id", "spec_hash", "expires_at", "decision_token"}
        assert client.post("/api/v1/actions/dry-run", json=explain).json()["decision"] == "requires_approval"
        waiting = client.post("/api/v1/actions", json=explain).json()
        assert (waiting["status"], waiting["approval"]["required_approver_groups"]) == ("pending_approval", [])


def test_every_status_has_its_line() -> None:
    listed = re.findall(
        r"^\| `(\w+)` \|", PAGE.partition("## What is answered")[2].partition("## Errors")[0], re.MULTILINE
    )
    assert sorted(listed) == sorted(ActionStatus)
