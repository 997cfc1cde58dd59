"""An agent that asks for decisions, on a gateway that goes by policies alone."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import httpx
from tests.control.running import GATEWAYS, Running

from tameflare.control.action_job import ActionJob

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


@contextmanager
def answers_carried_over(server: Running) -> Iterator[None]:
    """What people answer becomes the state of the action, as the server's job does it."""
    job = server.start(ActionJob(server.services).run())
    yield
    job.cancel()
