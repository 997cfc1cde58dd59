"""The synchronous client."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping
from types import TracebackType
from typing import Any, Self, TypeVar

import httpx

from tameflare.sdk import calls, http
from tameflare.sdk.answers import Decision, DryRun, Verified
from tameflare.sdk.calls import Wanted
from tameflare.sdk.exchange import Came, Flow, Pause
from tameflare.sdk.guard import Guard, Parameters, Resource, guarded
from tameflare.sdk.options import DEFAULT_RETRIES, DEFAULT_TIMEOUT, options
from tameflare.sdk.secret import Secret

T = TypeVar("T")
F = TypeVar("F", bound=Callable[..., Any])


class Client:
    """Asks a TameFlare server for decisions, as one agent. Threads may share it; close it, or use it in `with`.

    Without arguments it is set up by TF_SERVER_URL and TF_AGENT_KEY. `timeout` is in seconds for each try; up to
    `max_retries` tries follow where another can help. Whatever goes wrong raises a TameFlareError: where there is
    doubt, the answer is no.
    """

    def __init__(
        self,
        key: str | None = None,
        *,
        server_url: str | None = None,
        timeout: float = DEFAULT_TIMEOUT,
        max_retries: int = DEFAULT_RETRIES,
        ca_file: str | None = None,
        allow_http: bool = False,
        transport: httpx.BaseTransport | None = None,
    ) -> None:
        self._options = options(key, server_url, timeout, max_retries, ca_file, allow_http)
        self._http = httpx.Client(
            trust_env=False, verify=http.context(self._options), transport=transport, follow_redirects=False
        )

    def request_action(
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
        """Ask whether an action may be done; returns only if it may be done now.

        `wait`: for people, where they must agree: True as long as the approval lives, or so many seconds. Raises
        Denied, ApprovalRequired, ApprovalDenied, ApprovalExpired, KillSwitchActive; with `check=False` the decision is
        returned whatever it is. Tries share one idempotency key, so that people are asked once.
        """
        wanted = Wanted(type, resource or {}, parameters or {}, risk_hints, webhook_url, connector)
        return self._run(calls.request_action(self._options, wanted, wait, check, idempotency_key))

    def wait_for_approval(
        self, action: Decision | str, *, timeout: float | None = None, check: bool = True
    ) -> Decision:
        """Wait for people; `timeout` in seconds, None as long as the approval lives. Raises as `request_action`."""
        wait = True if timeout is None else timeout
        return self._run(calls.wait_for_approval(self._options, _id(action), wait, check))

    def get_action(self, action: Decision | str, *, wait: float = 0) -> Decision:
        """How an action stands; waits up to `wait` seconds (30 at most) for news of one that people are asked about."""
        return self._run(calls.get_action(self._options, _id(action), wait))

    def execute(self, action: Decision | str) -> Decision:
        """Have the gateway carry an allowed or approved action out, with its own credential; `outcome` is how it went.
        Never sent twice. Raises ExecutionFailed, OutcomeUnknown, Conflict."""
        found = action if isinstance(action, Decision) else self.get_action(action)
        return self._run(calls.execute(self._options, found))

    def dry_run(
        self,
        type: str,  # noqa: A002
        *,
        resource: Mapping[str, Any] | None = None,
        parameters: Mapping[str, Any] | None = None,
        risk_hints: Mapping[str, Any] | None = None,
        connector: str | None = None,
    ) -> DryRun:
        """What would be decided, and why; records nothing, asks nobody, and is no permission."""
        return self._run(
            calls.dry_run(
                self._options, Wanted(type, resource or {}, parameters or {}, risk_hints, connector=connector)
            )
        )

    def verify(
        self,
        decision_token: str | Secret,
        type: str,  # noqa: A002
        *,
        resource: Mapping[str, Any] | None = None,
        parameters: Mapping[str, Any] | None = None,
    ) -> Verified:
        """Use a decision token up for exactly this action. Raises Conflict the second time, Invalid if it does not
        fit."""
        token = decision_token.reveal() if isinstance(decision_token, Secret) else decision_token
        return self._run(calls.verify(self._options, token, Wanted(type, resource or {}, parameters or {})))

    def actions(self, *, status: str | None = None, limit: int = 100) -> Iterator[dict[str, Any]]:
        """This agent's actions, newest first; fetches page by page (`limit` on each) as you go on."""
        return self._listed(calls.ACTIONS, {"status": status, "limit": limit})

    def traffic(self, *, limit: int = 100) -> Iterator[dict[str, Any]]:
        """This agent's requests through the proxy, newest first, page by page."""
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
        """Decorate a function so that it runs only if the action is allowed; see docs/sdk.md.

        `parameters` are the call's arguments: all of them, those that are named, or what a function makes of them.
        `verify`: use the decision up before the function runs, so that it counts for this one call and is recorded.
        `otherwise`: called with the TameFlareError in place of raising it; what it returns is returned.
        """
        return guarded(self, Guard(type, resource, parameters, wait, verify, otherwise))

    def close(self) -> None:
        self._http.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, fault: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def __repr__(self) -> str:
        return f"{type(self).__name__}(server_url={self._options.server_url!r})"

    def _listed(self, path: str, query: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
        cursor: str | None = None
        while True:
            page = self._run(calls.page(self._options, path, {**query, "cursor": cursor}))
            yield from page["items"]
            cursor = page.get("next_cursor")
            if cursor is None:
                return

    def _run(self, flow: Flow[T]) -> T:
        came: Came = None
        while True:
            try:
                step = flow.send(came)
            except StopIteration as done:
                value: T = done.value
                return value
            if isinstance(step, Pause):
                time.sleep(step.seconds)
                came = None
                continue
            try:
                came = http.reply(self._http.send(http.request(self._options, step)))
            except (httpx.HTTPError, httpx.InvalidURL) as fault:
                came = http.lost(fault)


def _id(action: Decision | str) -> str:
    return action.action_request_id if isinstance(action, Decision) else action
