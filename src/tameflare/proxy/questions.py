"""Asking the control plane about approvals and running totals, over the link."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final, TypeVar

import httpx
import msgspec
import structlog

from tameflare.core.secret import Secret
from tameflare.link.approvals import APPROVALS_PATH, Answer, Consume, Leave, Raise
from tameflare.link.totals import TOTALS_PATH, Ask, Sums
from tameflare.proxy.hold import Reply
from tameflare.proxy.link_client import check_server_url, client_options
from tameflare.proxy.tasks import Tasks

log = structlog.get_logger(__name__)

T = TypeVar("T")
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

    def totals(self, question: Ask, reply: Callable[[Sums | None], None]) -> None:
        self._tasks.start(self._ask_totals(question, reply))

    async def _ask(self, path: str, question: Raise | Consume, reply: Reply) -> None:
        content = await self._post(path, question)
        reply(_answer(content, Answer) if content is not None else None)

    async def _ask_totals(self, question: Ask, reply: Callable[[Sums | None], None]) -> None:
        content = await self._post(TOTALS_PATH, question)
        reply(_answer(content, Sums) if content is not None else None)

    async def _post(self, path: str, message: Raise | Consume | Leave | Ask) -> bytes | None:
        """The body of the answer; None where there is none, which is logged."""
        try:
            answer = await self._client.post(path, content=msgspec.json.encode(message))
        except (httpx.HTTPError, OSError) as fault:
            log.warning("the control plane could not be asked", about=path, fault=type(fault).__name__)
            return None
        if answer.is_success:
            return answer.content
        log.warning("the control plane refused a question", about=path, status=answer.status_code)
        return None

    async def close(self) -> None:
        await self._client.aclose()


def _answer(content: bytes, kind: type[T]) -> T | None:
    try:
        return msgspec.json.decode(content, type=kind)
    except msgspec.MsgspecError:
        log.warning("the control plane's answer cannot be read", about=kind.__name__)
        return None
