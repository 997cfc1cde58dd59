"""The asynchronous client: the same as the synchronous one, for asyncio."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Mapping
from types import TracebackType
from typing import Any, Self, TypeVar

import httpx

from tameflare.sdk import calls, http
from tameflare.sdk.answers import Decision, DryRun, Verified
from tameflare.sdk.calls import Wanted
from tameflare.sdk.exchange import Came, Flow, Pause
from tameflare.sdk.guard import Guard, Parameters, Resource, guarded_async
from tameflare.sdk.options import DEFAULT_RETRIES, DEFAULT_TIMEOUT, options
from tameflare.sdk.secret import Secret

T = TypeVar("T")
F = TypeVar("F", bound=Callable[..., Any])


class AsyncClient:
    """As `Client`, with `await`. Tasks of one event loop may share it."""

    def __init__(
        self,
        key: str | None = None,
        *,
        server_url: str | None = None,
        timeout: float = DEFAULT_TIMEOUT,
        max_retries: int = DEFAULT_RETRIES,
        ca_file: str | None = None,
        allow_http: bool = False,
        transport: httpx.AsyncBaseTransport | None = None,
    ) -> None:
        self._options = options(key, server_url, timeout, max_retries, ca_file, allow_http)
        self._http = httpx.AsyncClient(
            trust_env=False, verify=http.context(self._options), transport=transport, follow_redirects=False
        )

    async def request_action(
        self,
        type: str,  # noqa: A002
        *,
        resource: Mapping[str, Any] | None = None,
        parameters: Mapping[str, Any] | None = None,
        risk_hints: Mapping[str, Any] | None = None,
        webhook_url: str | None = None,
        connector: str | None = None,
        wait: bool | float = False,
        check: bool = True,
        idempotency_key: str | None = None,
    ) -> Decision:
        """See `Client.request_action`."""
        wanted = Wanted(type, resource or {}, parameters or {}, risk_hints, webhook_url, connector)
        return await self._run(calls.request_action(self._options, wanted, wait, check, idempotency_key))

    async def wait_for_approval(
        self,
        action: Decision | str,
        *,
        timeout: float | None = None,  # noqa: ASYNC109 - of the people who are asked
        check: bool = True,
    ) -> Decision:
        """See `Client.wait_for_approval`."""
        wait = True if timeout is None else timeout
        return await self._run(calls.wait_for_approval(self._options, _id(action), wait, check))

    async def get_action(self, action: Decision | str, *, wait: float = 0) -> Decision:
        """See `Client.get_action`."""
        return await self._run(calls.get_action(self._options, _id(action), wait))

    async def execute(self, action: Decision | str) -> Decision:
        """See `Client.execute`."""
        found = action if isinstance(action, Decision) else await self.get_action(action)
        return await self._run(calls.execute(self._options, found))

    async def dry_run(
        self,
        type: str,  # noqa: A002
        *,
        resource: Mapping[str, Any] | None = None,
        parameters: Mapping[str, Any] | None = None,
        risk_hints: Mapping[str, Any] | None = None,
        connector: str | None = None,
    ) -> DryRun:
        """See `Client.dry_run`."""
        wanted = Wanted(type, resource or {}, parameters or {}, risk_hints, connector=connector)
        return await self._run(calls.dry_run(self._options, wanted))

    async def verify(
        self,
        decision_token: str | Secret,
        type: str,  # noqa: A002
        *,
        resource: Mapping[str, Any] | None = None,
        parameters: Mapping[str, Any] | None = None,
    ) -> Verified:
        """See `Client.verify`."""
        token = decision_token.reveal() if isinstance(decision_token, Secret) else decision_token
        return await self._run(calls.verify(self._options, token, Wanted(type, resource or {}, parameters or {})))

    def actions(self, *, status: str | None = None, limit: int = 100) -> AsyncIterator[dict[str, Any]]:
        """See `Client.actions`."""
        return self._listed(calls.ACTIONS, {"status": status, "limit": limit})

    def traffic(self, *, limit: int = 100) -> AsyncIterator[dict[str, Any]]:
        """See `Client.traffic`."""
        return self._listed("/api/v1/traffic", {"limit": limit})

    def guard(
        self,
        type: str,  # noqa: A002
        *,
        resource: Resource = None,
        parameters: Parameters = None,
        wait: bool | float = False,
        verify: bool = True,
        otherwise: Callable[..., Any] | None = None,
    ) -> Callable[[F], F]:
        """See `Client.guard`; for functions that are awaited, and asynchronous generators."""
        return guarded_async(self, Guard(type, resource, parameters, wait, verify, otherwise))

    async def aclose(self) -> None:
        await self._http.aclose()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, fault: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.aclose()

    def __repr__(self) -> str:
        return f"{type(self).__name__}(server_url={self._options.server_url!r})"

    async def _listed(self, path: str, query: Mapping[str, Any]) -> AsyncIterator[dict[str, Any]]:
        cursor: str | None = None
        while True:
            page = await self._run(calls.page(self._options, path, {**query, "cursor": cursor}))
            for item in page["items"]:
                yield item
            cursor = page.get("next_cursor")
            if cursor is None:
                return

    async def _run(self, flow: Flow[T]) -> T:
        came: Came = None
        while True:
            try:
                step = flow.send(came)
            except StopIteration as done:
                value: T = done.value
                return value
            if isinstance(step, Pause):
                await asyncio.sleep(step.seconds)
                came = None
                continue
            try:
                came = http.reply(await self._http.send(http.request(self._options, step)))
            except (httpx.HTTPError, httpx.InvalidURL) as fault:
                came = http.lost(fault)


def _id(action: Decision | str) -> str:
    return action.action_request_id if isinstance(action, Decision) else action
