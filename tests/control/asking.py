"""An agent that asks for decisions, on a gateway that goes by policies alone."""

from __future__ import annotations

import httpx
from tests.control.running import GATEWAYS, Running

POLICY = """
name: mail
rules:
  - name: inside
    conditions: {field: parameters.to, operator: ends_with, value: "@example.com"}
    decision: allow
  - name: customers
    conditions: {field: parameters.to, operator: ends_with, value: "@example.org"}
    decision: requires_approval
    reason: Mail to customers needs a person
"""


def agent(server: Running, owner: httpx.Client, name: str = "mailer", gateway: str = "asking") -> httpx.Client:
    """A client with a key of that agent; makes gateway, policy and agent where they are missing."""
    owner.post(GATEWAYS, json={"name": gateway, "policy_only": True, "rate_limit_per_minute": 100_000})
    owner.put("/api/dashboard/policies/mail", json={"source": POLICY})
    owner.post(f"{GATEWAYS}/{gateway}/agents", json={"name": name})
    made = owner.post(f"{GATEWAYS}/{gateway}/agents/{name}/keys", json={})
    assert made.status_code == 201, made.text
    return server.client(made.json()["key"])
