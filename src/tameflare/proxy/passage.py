"""The way to the decision API through the proxy's own port, for programs that reach nothing else.

A request for `/api/v1/…` that shows a key of an agent is passed on to the control plane, whole, and its answer back.
No other path is, and no other token: what people may do there is done elsewhere. What the proxy itself is trusted with,
its link token, never goes along.
"""

from __future__ import annotations

import re
import ssl
from collections import Counter
from collections.abc import Callable
from typing import Final

import httpx
import structlog

from tameflare.link.tokens import TokenKind
from tameflare.proxy import answers
from tameflare.proxy.link_client import CONNECT_SECONDS, check_server_url
from tameflare.proxy.tasks import Tasks
from tameflare.wire.head import RequestHead

log = structlog.get_logger(__name__)

PREFIX: Final = "/api/v1/"
LARGEST_BODY: Final = 1 << 20
LARGEST_ANSWER: Final = 16 << 20
MOST: Final = 100
"""Requests that may be under way at a time; one more is refused."""
MOST_OF_ONE: Final = 25
"""Of these by one key: whoever waits for people with one question after the other keeps nobody else from asking."""
ANSWER_SECONDS: Final = 45.0
"""Longer than the longest time for which the control plane lets an answer wait."""
_PATH: Final = re.compile(r"/api/v1(?:/[A-Za-z0-9_\-]{1,128}){1,6}")
_KEYS: Final = (TokenKind.AGENT.value, TokenKind.AGENT_TEST.value, TokenKind.AGENT_FORMER.value)
_PASSED: Final = (b"authorization", b"content-type", b"accept", b"idempotency-key", b"x-request-id")
_TOLD: Final = ("retry-after", "idempotent-replayed", "www-authenticate", "x-request-id")
_METHODS: Final = frozenset({"GET", "POST"})

Reply = Callable[[bytes], None]


class Passage:
    """`tasks` own what is under way. Raises SettingError for a `server` not to be used."""

    def __init__(self, server: str, tasks: Tasks) -> None:
        url = check_server_url(server)
        self._client = httpx.AsyncClient(
            base_url=url,
            timeout=httpx.Timeout(ANSWER_SECONDS, connect=CONNECT_SECONDS),
            trust_env=False,
            verify=ssl.create_default_context() if url.startswith("https:") else False,
            limits=httpx.Limits(max_connections=MOST, max_keepalive_connections=10),
        )
        self._tasks = tasks
        self._under_way: Counter[str] = Counter()

    def go(self, head: RequestHead, body: bytes, reply: Reply) -> Callable[[], object]:
        """Pass a request on; the reply comes once. What is returned calls it off."""
        refusal = self._refusal(head)
        if refusal is not None:
            reply(refusal)
            return _nothing
        key = _key(head)
        self._under_way[key] += 1
        task = self._tasks.start(self._pass(head, body, reply))
        task.add_done_callback(lambda _: self._ended(key))
        return task.cancel

    def _ended(self, key: str) -> None:
        self._under_way[key] -= 1
        if not self._under_way[key]:
            del self._under_way[key]

    def _refusal(self, head: RequestHead) -> bytes | None:
        path = head.target.partition("?")[0]
        if not _PATH.fullmatch(path):
            return answers.plain(404, "not_found", "there is no such route of the decision API")
        if head.method not in _METHODS:
            return answers.plain(405, "method_not_allowed", "use GET or POST")
        key = _key(head)
        if not key.startswith(_KEYS):
            log.warning("a token of another kind was shown for the decision API", path=path)
            extra = "WWW-Authenticate: Bearer\r\n"
            return answers.plain(401, "unauthenticated", "only keys of agents are passed on from here", extra=extra)
        if self._under_way[key] >= MOST_OF_ONE or self._under_way.total() >= MOST:
            return answers.plain(503, "too_many_requests", "too many requests for decisions are under way")
        return None

    async def _pass(self, head: RequestHead, body: bytes, reply: Reply) -> None:
        try:
            reply(await self._answer(head, body))
        except (httpx.HTTPError, httpx.InvalidURL, OSError) as fault:
            log.warning("the control plane could not be asked", about="a decision", fault=type(fault).__name__)
            reply(answers.plain(503, "control_plane_unreachable", "the control plane cannot be reached from the proxy"))

    async def _answer(self, head: RequestHead, body: bytes) -> bytes:
        wish = self._client.build_request(head.method, head.target, content=body or None, headers=_headers(head))
        answer = await self._client.send(wish, stream=True)
        try:
            content = bytearray()
            async for part in answer.aiter_bytes():
                content += part
                if len(content) > LARGEST_ANSWER:
                    return answers.plain(502, "answer_too_large", "the answer is too large: ask for fewer at a time")
            return _told(answer, bytes(content))
        finally:
            await answer.aclose()

    async def close(self) -> None:
        await self._client.aclose()


def _key(head: RequestHead) -> str:
    """What stands behind `Bearer`; empty where nothing does."""
    scheme, _, key = head.headers.first(b"authorization").decode("latin-1").partition(" ")
    return key if scheme.lower() == "bearer" else ""


def _headers(head: RequestHead) -> list[tuple[bytes, bytes]]:
    return [(name, value) for name in _PASSED if (value := head.headers.first(name))]


def _told(answer: httpx.Response, content: bytes) -> bytes:
    """The answer as it is given here; nothing but JSON ever comes from there."""
    extra = "".join(f"{name}: {answer.headers[name]}\r\n" for name in _TOLD if name in answer.headers)
    kind = answer.headers.get("content-type", "application/json")
    return answers.document(kind, content, status=answer.status_code, keep=False, extra=extra)


def _nothing() -> None:
    """There is nothing to call off."""
