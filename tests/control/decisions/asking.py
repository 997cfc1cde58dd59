"""A gateway whose agents ask for decisions, over HTTP."""

from __future__ import annotations

import itertools
from typing import Any, Final

import httpx
from tests.control.running import GATEWAYS, Running
from tests.support.waiting import wait_for

ACTIONS: Final = "/api/v1/actions"
APPROVALS: Final = "/api/dashboard/approvals"
EMAIL: Final = {"type": "email.send", "resource": {"to": "ada@example.com"}, "parameters": {"subject": "Hello"}}
_numbers = itertools.count(1)


class Place:
    """A fresh gateway with the agent `worker` and a client that has its key."""

    def __init__(self, server: Running, owner: httpx.Client) -> None:
        self.server, self.owner = server, owner
        self.name = f"gateway-{next(_numbers)}"
        self.path = f"{GATEWAYS}/{self.name}"
        assert owner.post(GATEWAYS, json={"name": self.name}).status_code == 201
        self.agent = self.add_agent("worker")
        self.key = self.make_key("worker")["key"]
        self.client = server.client(self.key)

    def add_agent(self, name: str, **body: Any) -> str:
        made = self.owner.post(f"{self.path}/agents", json={"name": name, **body})
        assert made.status_code == 201, made.text
        return str(made.json()["id"])

    def make_key(self, agent: str = "worker", **body: Any) -> dict[str, Any]:
        made = self.owner.post(f"{self.path}/agents/{agent}/keys", json=body)
        assert made.status_code == 201, made.text
        return dict(made.json())

    def rule(self, pattern: str, decision: str, connector: str = "custom", **more: Any) -> None:
        body = {"connector": connector, "pattern": pattern, "decision": decision, **more}
        made = self.owner.post(f"{self.path}/rules", json=body)
        assert made.status_code == 201, made.text

    def change(self, **values: Any) -> None:
        assert self.owner.patch(self.path, json=values).status_code == 200

    def ask(self, body: dict[str, Any] | None = None, key: str | None = None, **more: Any) -> dict[str, Any]:
        """What is answered to an action, which must be decided."""
        headers = {"Idempotency-Key": key} if key is not None else {}
        answer = self.client.post(ACTIONS, json={**(body or EMAIL), **more}, headers=headers)
        assert answer.status_code == 200, answer.text
        return dict(answer.json())

    def get(self, action: str, **query: Any) -> dict[str, Any]:
        answer = self.client.get(f"{ACTIONS}/{action}", params=query)
        assert answer.status_code == 200, answer.text
        return dict(answer.json())

    def vote(self, approval: str, word: str = "approve", by: httpx.Client | None = None, **more: Any) -> httpx.Response:
        return (by or self.owner).post(f"{APPROVALS}/{approval}/votes", json={"vote": word, **more})

    def settled(self, action: str) -> dict[str, Any]:
        """An action once it waits for people no longer."""
        return wait_for(
            lambda: found if (found := self.get(action))["status"] != "pending_approval" else None, "the answer"
        )
