"""Google's API for generative language, as far as its SDK is tried (https://ai.google.dev/api)."""

from __future__ import annotations

from typing import Any

from tests.matrix.gateways import GOOGLE

from tameflare.demo.doubles.events import event, stream_answer
from tameflare.demo.doubles.web import Answer, Request, Routes, json_answer

REPLY = ("Hello ", "from ", "the ", "double.")
CACHE = {"name": "cachedContents/demo", "model": "models/gemini-demo", "displayName": "demo"}


def _said(text: str) -> dict[str, Any]:
    return {"candidates": [{"content": {"role": "model", "parts": [{"text": text}]}, "index": 0}]}


class Google:
    """A model that always says the same; one cached content; files that can be removed."""

    hosts = (GOOGLE,)

    def __init__(self, key: str) -> None:
        self._key = key
        self._routes = Routes()
        self._routes.add("POST", "/v1/models/gemini-demo:generateContent", self._whole)
        self._routes.add("POST", "/v1/models/gemini-demo:streamGenerateContent", self._pieces)
        self._routes.add("PATCH", "/v1/cachedContents/demo", self._cache)
        self._routes.add("DELETE", "/v1/files/{file}", self._gone)

    def authorised(self, request: Request) -> bool:
        """Key in `x-goog-api-key`."""
        return request.headers.get("x-goog-api-key") == self._key

    async def answer(self, request: Request) -> Answer:
        """Errors come as Google's error object."""
        if not self.authorised(request):
            return _error(400, "API key not valid. Please pass a valid API key.", "INVALID_ARGUMENT")
        return await self._routes.answer(request) or _error(404, "Not found.", "NOT_FOUND")

    async def _whole(self, _: Request) -> Answer:
        return json_answer(_said("".join(REPLY)))

    async def _pieces(self, _: Request) -> Answer:
        return stream_answer(event(_said(word)) for word in REPLY)

    async def _cache(self, _: Request) -> Answer:
        return json_answer(CACHE)

    async def _gone(self, _: Request, file: str) -> Answer:
        return json_answer({})


def _error(code: int, message: str, status: str) -> Answer:
    return json_answer({"error": {"code": code, "message": message, "status": status}}, code)
