"""Asking the control plane about approvals, over the link."""

from __future__ import annotations

from typing import Final

import httpx
import msgspec
import structlog

from tameflare.core.secret import Secret
from tameflare.link.approvals import APPROVALS_PATH, Answer, Consume, Leave, Raise
from tameflare.proxy.hold import Reply
from tameflare.proxy.link_client import check_server_url, client_options
from tameflare.proxy.tasks import Tasks

log = structlog.get_logger(__name__)

ANSWER_SECONDS: Final = 4.0
"""Shorter than the time by which agents are answered early, so that an answer is never waited for too long."""


class LinkQuestions:
    """Each question is a POST of its own; `tasks` own them. Raises SettingError for a `server` not to be used."""

    def __init__(self, server: str, token: Secret, tasks: Tasks) -> None:
        self._client = httpx.AsyncClient(**client_options(check_server_url(server), token, ANSWER_SECONDS))
        self._tasks = tasks

    def raise_(self, question: Raise, reply: Reply) -> None:
        self._tasks.start(self._ask(APPROVALS_PATH, question, reply))

    def consume(self, approval: str, question: Consume, reply: Reply) -> None:
        self._tasks.start(self._ask(f"{APPROVALS_PATH}/{approval}/consume", question, reply))

    def leave(self, approval: str, message: Leave) -> None:
        self._tasks.start(self._post(f"{APPROVALS_PATH}/{approval}/leave", message))

    async def _ask(self, path: str, question: Raise | Consume, reply: Reply) -> None:
        content = await self._post(path, question)
        reply(_answer(content) if content is not None else None)

    async def _post(self, path: str, message: Raise | Consume | Leave) -> bytes | None:
        """The body of the answer; None where there is none, which is logged."""
        try:
            answer = await self._client.post(path, content=msgspec.json.encode(message))
        except (httpx.HTTPError, OSError) as fault:
            log.warning("the control plane could not be asked", about="approval", fault=type(fault).__name__)
            return None
        if answer.is_success:
            return answer.content
        log.warning("the control plane refused a question", about="approval", status=answer.status_code)
        return None

    async def close(self) -> None:
        await self._client.aclose()


def _answer(content: bytes) -> Answer | None:
    try:
        return msgspec.json.decode(content, type=Answer)
    except msgspec.MsgspecError:
        log.warning("the control plane's answer cannot be read", about="approval")
        return None
