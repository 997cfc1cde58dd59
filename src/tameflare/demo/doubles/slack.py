"""Slack's Web API: a failure is HTTP 200 with `ok: false` (https://docs.slack.dev/apis/web-api)."""

from __future__ import annotations

from typing import Any

from tameflare.demo.doubles.web import Answer, Request, Routes, json_answer

CHANNEL = "C0DEMO"


def _fault(error: str) -> Answer:
    return json_answer({"ok": False, "error": error})


class Slack:
    """One workspace with one channel, `C0DEMO`."""

    hosts = ("slack.com",)

    def __init__(self, key: str) -> None:
        self._key = key
        self._messages: list[dict[str, Any]] = []
        self._routes = Routes()
        for method in ("GET", "POST"):
            self._routes.add(method, "/api/auth.test", self._auth_test)
            self._routes.add(method, "/api/conversations.list", self._list)
        self._routes.add("POST", "/api/chat.postMessage", self._post)
        self._routes.add("POST", "/api/conversations.archive", self._archive)

    def authorised(self, request: Request) -> bool:
        """Bearer token in the header."""
        return request.authorization() == ("bearer", self._key)

    async def answer(self, request: Request) -> Answer:
        """`not_authed`, `invalid_auth` and `unknown_method` as Slack says them."""
        if "authorization" not in request.headers:
            return _fault("not_authed")
        if not self.authorised(request):
            return _fault("invalid_auth")
        return await self._routes.answer(request) or _fault("unknown_method")

    @staticmethod
    def _arguments(request: Request) -> dict[str, Any]:
        return request.json() or dict(request.fields())

    async def _auth_test(self, _: Request) -> Answer:
        return json_answer(
            {"ok": True, "url": "https://demo.slack.com/", "team": "demo", "user": "bot", "user_id": "U0"}
        )

    async def _list(self, _: Request) -> Answer:
        return json_answer({"ok": True, "channels": [{"id": CHANNEL, "name": "general", "is_archived": False}]})

    async def _post(self, request: Request) -> Answer:
        arguments = self._arguments(request)
        if arguments.get("channel") != CHANNEL:
            return _fault("channel_not_found")
        if not arguments.get("text"):
            return _fault("no_text")
        message = {"type": "message", "text": arguments["text"], "ts": f"1700000000.{len(self._messages):06}"}
        self._messages.append(message)
        return json_answer({"ok": True, "channel": CHANNEL, "ts": message["ts"], "message": message})

    async def _archive(self, request: Request) -> Answer:
        known = self._arguments(request).get("channel") == CHANNEL
        return json_answer({"ok": True}) if known else _fault("channel_not_found")
