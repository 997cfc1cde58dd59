"""A server for the SDK that answers what a test wrote down, in order, and keeps what it was sent."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from typing import Any

import httpx
import pytest

from tameflare.sdk import AsyncClient, Client

KEY = "tf_live_" + "k" * 40 + "canary"
Answer = httpx.Response | Exception


def decided(status: str = "allowed", **more: Any) -> httpx.Response:
    """An answer about an action, as docs/decision-api.md has it."""
    verdict = {"denied": "deny", "pending_approval": "requires_approval"}.get(status, "allow")
    body = {
        "action_request_id": "act_1",
        "status": status,
        "decision": verdict,
        "reason": "policy_allow" if verdict == "allow" else "policy_deny",
        "message": f"it is {status}",
        "risk_score": 20,
        "matched_policies": ["mail@1:all"],
    }
    if status in {"allowed", "approved"}:
        body["decision_token"] = "token-canary"
    return httpx.Response(200, json=body | more)


def used_up() -> httpx.Response:
    body = {"valid": True, "action_request_id": "act_1", "gateway": "main", "agent": "default", "type": "email.send"}
    return httpx.Response(200, json=body)


def fault(status: int, code: str = "some_code", **headers: str) -> httpx.Response:
    body = {"error": "Error", "code": code, "message": "what went wrong", "help": "what to do"}
    return httpx.Response(status, json=body, headers={name.replace("_", "-"): value for name, value in headers.items()})


class Scripted:
    """Answers in order; a test that asks once too often fails. `pauses` are the seconds that the client slept."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, *answers: Answer) -> None:
        self.seen: list[httpx.Request] = []
        self.pauses: list[float] = []
        self._answers = list(answers)
        monkeypatch.setattr("tameflare.sdk.client.time.sleep", self.pauses.append)
        monkeypatch.setattr("tameflare.sdk.async_client.asyncio.sleep", self._pause)
        self.client = Client(KEY, server_url="http://127.0.0.1:1", transport=httpx.MockTransport(self._answer))

    def asynchronous(self) -> AsyncClient:
        return AsyncClient(KEY, server_url="http://127.0.0.1:1", transport=httpx.MockTransport(self._answer))

    async def _pause(self, seconds: float) -> None:
        self.pauses.append(seconds)

    def _answer(self, request: httpx.Request) -> httpx.Response:
        self.seen.append(request)
        answer = self._answers.pop(0)
        if isinstance(answer, Exception):
            raise answer
        return answer

    @property
    def bodies(self) -> list[Any]:
        return [json.loads(request.content) for request in self.seen if request.content]

    @property
    def paths(self) -> list[str]:
        return [request.url.path for request in self.seen]


def run(work: Callable[[], Any]) -> Any:
    return asyncio.run(work())
