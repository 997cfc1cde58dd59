"""Anthropic: messages (plain and streamed) and models (https://docs.anthropic.com/en/api)."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from tameflare.demo.doubles.events import event, stream_answer
from tameflare.demo.doubles.web import Answer, Request, Routes, json_answer

MODEL = "claude-demo"
REPLY = ("Hello ", "from ", "the ", "double.")


def _error(status: int, kind: str, message: str) -> Answer:
    return json_answer({"type": "error", "error": {"type": kind, "message": message}}, status)


def _message(model: str, content: list[dict[str, str]], stop: str | None) -> dict[str, Any]:
    return {
        "id": "msg_demo",
        "type": "message",
        "role": "assistant",
        "model": model,
        "content": content,
        "stop_reason": stop,
        "stop_sequence": None,
        "usage": {"input_tokens": 1, "output_tokens": len(REPLY)},
    }


def _events(model: str) -> Iterator[bytes]:
    def named(name: str, **rest: object) -> bytes:
        return event({"type": name, **rest}, name)

    yield named("message_start", message=_message(model, [], None))
    yield named("content_block_start", index=0, content_block={"type": "text", "text": ""})
    for word in REPLY:
        yield named("content_block_delta", index=0, delta={"type": "text_delta", "text": word})
    yield named("content_block_stop", index=0)
    ending = {"stop_reason": "end_turn", "stop_sequence": None}
    yield named("message_delta", delta=ending, usage={"output_tokens": len(REPLY)})
    yield named("message_stop")


class Anthropic:
    """One model that always says the same."""

    hosts = ("api.anthropic.com",)

    def __init__(self, key: str) -> None:
        self._key = key
        self._routes = Routes()
        self._routes.add("POST", "/v1/messages", self._create)
        self._routes.add("GET", "/v1/models", self._models)
        self._routes.add("DELETE", "/v1/files/{file}", self._delete_file)

    def authorised(self, request: Request) -> bool:
        """Key in `x-api-key`, or as Bearer as newer SDKs send it; not in both places."""
        named = request.headers.get("x-api-key")
        return named == self._key if named else request.authorization() == ("bearer", self._key)

    async def answer(self, request: Request) -> Answer:
        """Errors come as Anthropic's error object; `anthropic-version` is required."""
        if not self.authorised(request):
            return _error(401, "authentication_error", "invalid x-api-key")
        if "anthropic-version" not in request.headers:
            return _error(400, "invalid_request_error", "anthropic-version: header is required")
        return await self._routes.answer(request) or _error(404, "not_found_error", "Not Found")

    async def _create(self, request: Request) -> Answer:
        asked = request.json()
        if not asked.get("messages"):
            return _error(400, "invalid_request_error", "messages: Field required")
        model = str(asked.get("model", MODEL))
        if asked.get("stream"):
            return stream_answer(_events(model))
        return json_answer(_message(model, [{"type": "text", "text": "".join(REPLY)}], "end_turn"))

    async def _models(self, _: Request) -> Answer:
        card = {"id": MODEL, "type": "model", "display_name": "Demo", "created_at": "2024-01-01T00:00:00Z"}
        return json_answer({"data": [card], "has_more": False, "first_id": MODEL, "last_id": MODEL})

    async def _delete_file(self, _: Request, file: str) -> Answer:
        return json_answer({"id": file, "type": "file_deleted"})
