"""Approvals over HTTP, as people answer them."""

from __future__ import annotations

from typing import Any

import httpx

from tameflare.link.approvals import HeldAction

APPROVALS = "/api/dashboard/approvals"


CALL = HeldAction("slack.message.send", "medium", "public", {"channel": "C1"}, {"text": "hello"})


def vote(client: httpx.Client, approval: str, word: str = "approve", **more: Any) -> httpx.Response:
    return client.post(f"{APPROVALS}/{approval}/votes", json={"vote": word, **more})
