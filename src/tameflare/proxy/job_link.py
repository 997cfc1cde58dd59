"""Fetching jobs, claiming them and telling how they went, over the link."""

from __future__ import annotations

import asyncio
from typing import Final, TypeVar

import httpx
import msgspec
import structlog

from tameflare.core.secret import Secret
from tameflare.link.executions import EXECUTIONS_PATH, Carried, Claim, Claimed, Job
from tameflare.proxy.link_client import check_server_url, client_options

log = structlog.get_logger(__name__)

T = TypeVar("T")
ANSWER_SECONDS: Final = 5.0
FIRST_PAUSE: Final = 0.1
LONGEST_PAUSE: Final = 2.0
CLAIM_TRIES: Final = 3
TELL_TRIES: Final = 60


class JobLink:
    """Questions that get no answer are asked again: each is meant to be. Raises SettingError for a `server` not to be
    used."""

    def __init__(self, server: str, token: Secret) -> None:
        self._client = httpx.AsyncClient(**client_options(check_server_url(server), token, ANSWER_SECONDS))

    async def fetch(self, job: str) -> Job | None:
        """None: there is nothing to do any more, or it is not for this proxy."""
        content = await self._ask("GET", f"{EXECUTIONS_PATH}/{job}", None, CLAIM_TRIES)
        return _read(content, Job)

    async def claim(self, job: str, claim: Claim) -> Claimed | None:
        """None: nobody knows whether it was granted."""
        content = await self._ask("POST", f"{EXECUTIONS_PATH}/{job}/claim", claim, CLAIM_TRIES)
        return _read(content, Claimed)

    async def tell(self, job: str, carried: Carried) -> bool:
        """Whether the control plane knows now how it went."""
        return await self._ask("POST", f"{EXECUTIONS_PATH}/{job}/outcome", carried, TELL_TRIES) is not None

    async def close(self) -> None:
        await self._client.aclose()

    async def _ask(self, method: str, path: str, message: Claim | Carried | None, tries: int) -> bytes | None:
        """The body of an answer with 200. What is refused is not asked again."""
        content = msgspec.json.encode(message) if message is not None else None
        pause = FIRST_PAUSE
        for at in range(tries):
            if at:
                await asyncio.sleep(pause)
                pause = min(pause * 2, LONGEST_PAUSE)
            try:
                answer = await self._client.request(method, path, content=content)
            except (httpx.HTTPError, OSError) as fault:
                log.warning("the control plane could not be asked", about="execution", fault=type(fault).__name__)
                continue
            if answer.is_success:
                return answer.content
            log.warning("the control plane refused a question", about="execution", status=answer.status_code)
            if answer.status_code < httpx.codes.INTERNAL_SERVER_ERROR:
                return None
        return None


def _read(content: bytes | None, kind: type[T]) -> T | None:
    if content is None:
        return None
    try:
        return msgspec.json.decode(content, type=kind)
    except msgspec.MsgspecError:
        log.warning("the control plane's answer cannot be read", about="execution")
        return None
