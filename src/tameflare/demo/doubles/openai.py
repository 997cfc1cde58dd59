"""OpenAI: chat completions (plain and streamed), models, embeddings (https://platform.openai.com/docs/api-reference)."""

from __future__ import annotations

import base64
import struct
from collections.abc import Iterator, Sequence
from typing import Any

from tameflare.demo.doubles.events import event, stream_answer
from tameflare.demo.doubles.web import Answer, Request, Routes, json_answer

MODEL = "gpt-demo"
SLOW_MODEL = "gpt-slow"
ECHO_MODEL = "gpt-echo"
SLOW_WORDS, SLOW_PAUSE = 400, 0.05
REPLY = ("Hello ", "from ", "the ", "double.")


def _error(status: int, message: str, code: str | None, kind: str = "invalid_request_error") -> Answer:
    return json_answer({"error": {"message": message, "type": kind, "param": None, "code": code}}, status)


def _completion(model: str, words: Sequence[str]) -> dict[str, Any]:
    message = {"role": "assistant", "content": "".join(words), "refusal": None}
    return {
        "id": "chatcmpl-demo",
        "object": "chat.completion",
        "created": 1700000000,
        "model": model,
        "choices": [{"index": 0, "message": message, "logprobs": None, "finish_reason": "stop"}],
        "usage": {"prompt_tokens": 1, "completion_tokens": len(words), "total_tokens": len(words) + 1},
    }


def _chunk(model: str, delta: dict[str, str], finish: str | None) -> dict[str, Any]:
    return {
        "id": "chatcmpl-demo",
        "object": "chat.completion.chunk",
        "created": 1700000000,
        "model": model,
        "choices": [{"index": 0, "delta": delta, "finish_reason": finish}],
    }


def _chunks(model: str, words: Sequence[str]) -> Iterator[bytes]:
    yield event(_chunk(model, {"role": "assistant", "content": ""}, None))
    for word in words:
        yield event(_chunk(model, {"content": word}, None))
    yield event(_chunk(model, {}, "stop"))
    yield event("[DONE]")


class OpenAI:
    """A model `gpt-demo` that always says the same, `gpt-slow` whose streamed answer takes twenty seconds, and
    `gpt-echo` that gives away the key that it was asked with."""

    hosts = ("api.openai.com",)

    def __init__(self, key: str) -> None:
        self._key = key
        self._routes = Routes()
        self._routes.add("POST", "/v1/chat/completions", self._chat)
        self._routes.add("POST", "/v1/embeddings", self._embeddings)
        self._routes.add("GET", "/v1/models", self._models)
        self._routes.add("GET", "/v1/models/{model}", self._model)
        self._routes.add("DELETE", "/v1/models/{model}", self._delete_model)

    def authorised(self, request: Request) -> bool:
        """Bearer key."""
        return request.authorization() == ("bearer", self._key)

    async def answer(self, request: Request) -> Answer:
        """Errors come as OpenAI's error object."""
        if not self.authorised(request):
            return _error(401, "Incorrect API key provided.", "invalid_api_key")
        found = await self._routes.answer(request)
        return found or _error(404, f"Invalid URL ({request.method} {request.path})", None)

    async def _chat(self, request: Request) -> Answer:
        asked = request.json()
        if not asked.get("messages"):
            return _error(400, "Missing required parameter: 'messages'.", "missing_required_parameter")
        model = str(asked.get("model", MODEL))
        if asked.get("stream"):
            slow = model == SLOW_MODEL
            words = REPLY[:1] * SLOW_WORDS if slow else self._words(model)
            return stream_answer(_chunks(model, words), SLOW_PAUSE if slow else 0)
        return json_answer(_completion(model, self._words(model)))

    def _words(self, model: str) -> tuple[str, ...]:
        if model != ECHO_MODEL:
            return REPLY
        return "The key is ", self._key, ", or ", base64.b64encode(f"key={self._key}".encode()).decode(), "."

    async def _embeddings(self, request: Request) -> Answer:
        asked = request.json()
        vector: list[float] | str = [0.25, 0.5]
        if asked.get("encoding_format") == "base64":
            vector = base64.b64encode(struct.pack("<2f", 0.25, 0.5)).decode()
        data = [{"object": "embedding", "index": 0, "embedding": vector}]
        usage = {"prompt_tokens": 1, "total_tokens": 1}
        return json_answer({"object": "list", "model": asked.get("model", MODEL), "data": data, "usage": usage})

    @staticmethod
    def _card(model: str) -> dict[str, Any]:
        return {"id": model, "object": "model", "created": 1700000000, "owned_by": "demo"}

    async def _models(self, _: Request) -> Answer:
        return json_answer({"object": "list", "data": [self._card(MODEL)]})

    async def _model(self, _: Request, model: str) -> Answer:
        return json_answer(self._card(model))

    async def _delete_model(self, _: Request, model: str) -> Answer:
        return json_answer({"id": model, "object": "model", "deleted": True})
