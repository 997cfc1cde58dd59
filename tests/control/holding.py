"""Requests that wait at a proxy, as the link tells of them, for tests of approvals."""

from __future__ import annotations

from typing import Any

import httpx
import msgspec
from tests.control.running import GATEWAYS, Running

from tameflare.control.store import meta
from tameflare.core.approval import Requirement
from tameflare.link.approvals import APPROVALS_PATH, Answer, Consume, Held, HeldAction, Leave, Raise
from tameflare.link.messages import ApprovalAnswered, Feed

REFUND = HeldAction("stripe.refund.create", "high", "money", {}, {"amount": 500, "charge": "ch_1"})
ANYBODY = Requirement()


class Plane:
    """A gateway `main` with agent `deploy` and connector `stripe`, and the proxy `edge` that speaks for it."""

    def __init__(self, server: Running, owner: httpx.Client, name: str = "main", proxy: str = "edge") -> None:
        self.server = server
        self.name = name
        assert owner.post(GATEWAYS, json={"name": name}).status_code == 201
        assert owner.post(f"{GATEWAYS}/{name}/connectors", json={"type": "stripe"}).status_code == 201
        made = owner.post(f"{GATEWAYS}/{name}/agents", json={"name": "deploy"})
        self.agent = made.json()["id"]
        self.token = owner.post(f"{GATEWAYS}/{name}/tokens", json={}).json()["id"]
        self.gateway = owner.get(f"{GATEWAYS}/{name}").json()["id"]
        body = {"name": proxy, "gateways": [name]}
        made = owner.post("/api/dashboard/proxies", json=body)
        assert made.status_code == 201, made.text
        self.link = server.client(made.json()["token"])
        self.epoch = "life-1"
        self.cursor = 0

    @property
    def version(self) -> int:
        return self.server.services.database.read_now(meta.version).number

    def held(self, digest: str = "d1", **changes: Any) -> Held:
        held = Held(
            digest, self.gateway, self.agent, self.token, "run_1", "stripe", (REFUND,), "POST", "https",
            "api.stripe.com", 443, "/v1/refunds", "application/x-www-form-urlencoded", "00" * 32, 2,
        )  # fmt: skip
        return msgspec.structs.replace(held, **changes)

    def post(self, path: str, body: msgspec.Struct) -> httpx.Response:
        return self.link.post(f"{APPROVALS_PATH}{path}", content=msgspec.json.encode(body))

    def answer(self, path: str, body: msgspec.Struct) -> Answer:
        response = self.post(path, body)
        assert response.status_code == 200, response.text
        return msgspec.json.decode(response.content, type=Answer)

    def raise_(
        self, request: str, digest: str = "d1", requirement: Requirement = ANYBODY, wait: float = 300, **held: Any
    ) -> Answer:
        asked = Raise(request, self.held(digest, **held), requirement, self.version, wait, self.epoch)
        return self.answer("", asked)

    def consume(
        self,
        approval: str,
        request: str,
        digest: str = "d1",
        requirement: Requirement = ANYBODY,
        version: int | None = None,
    ) -> Answer:
        judged = self.version if version is None else version
        return self.answer(f"/{approval}/consume", Consume(request, digest, requirement, judged, self.epoch))

    def leave(self, approval: str, request: str, reason: str = "", message: str = "") -> Answer:
        return self.answer(f"/{approval}/leave", Leave(request, reason, message))

    def told(self, wait: float = 0) -> list[ApprovalAnswered]:
        """What the feed says of approvals since the last look."""
        said = {"x-tameflare-epoch": self.epoch}
        answer = self.link.get("/api/link/feed", params={"cursor": self.cursor, "wait": wait}, headers=said)
        feed = msgspec.json.decode(answer.content, type=Feed)
        self.cursor = feed.cursor
        return [entry.message for entry in feed.entries if isinstance(entry.message, ApprovalAnswered)]
