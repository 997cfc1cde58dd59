"""The calls of the decision API as flows (see exchange.py): what the synchronous and the asynchronous client share."""

from __future__ import annotations

import json
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final
from urllib.parse import quote, urlencode
from uuid import uuid4

from tameflare.sdk import reading
from tameflare.sdk.answers import Decision, DryRun, Status, Verified
from tameflare.sdk.errors import (
    ApprovalDenied,
    ApprovalExpired,
    ApprovalRequired,
    ConfigurationError,
    Denied,
    ExecutionFailed,
    KillSwitchActive,
    NotAllowed,
    OutcomeUnknown,
    RateLimited,
    TameFlareError,
    Unavailable,
)
from tameflare.sdk.exchange import Flow, NoAnswer, Send, exchange, retry_after
from tameflare.sdk.options import Options

ACTIONS: Final = "/api/v1/actions"
POLL_SECONDS: Final = 25.0
_LOOKS: Final = 3


@dataclass(frozen=True, slots=True)
class Wanted:
    """An action that somebody wants to do."""

    type: str
    resource: Mapping[str, Any] = field(default_factory=dict)
    parameters: Mapping[str, Any] = field(default_factory=dict)
    risk_hints: Mapping[str, Any] | None = None
    webhook_url: str | None = None
    connector: str | None = None

    @property
    def body(self) -> dict[str, Any]:
        found: dict[str, Any] = {"type": self.type, "resource": self.resource, "parameters": self.parameters}
        if self.risk_hints is not None:
            found["risk_hints"] = self.risk_hints
        if self.webhook_url is not None:
            found["webhook_url"] = self.webhook_url
        if self.connector is not None:
            found["connector"] = self.connector
        return found


def encode(body: Mapping[str, Any]) -> bytes:
    """JSON, and nothing that JSON does not have. Raises ConfigurationError."""
    try:
        return json.dumps(body, allow_nan=False, ensure_ascii=False).encode()
    except (TypeError, ValueError) as fault:
        raise ConfigurationError(
            f"an action is sent as JSON: {fault}", help="send text, numbers, true, false, null, lists and objects"
        ) from None


def new_id(prefix: str) -> str:
    return f"{prefix}_{uuid4().hex}"


def _call(options: Options, send: Send) -> Flow[dict[str, Any]]:
    reply = yield from exchange(options, send)
    return reading.document(reply, send)


def _post(path: str, body: Mapping[str, Any], **more: Any) -> Send:
    return Send("POST", path, new_id("req"), encode(body), **more)


def _get(path: str, query: Mapping[str, Any] | None = None, **more: Any) -> Send:
    given = {name: value for name, value in (query or {}).items() if value is not None}
    return Send("GET", f"{path}?{urlencode(given)}" if given else path, new_id("req"), **more)


def _of(action_request_id: str) -> str:
    return f"{ACTIONS}/{quote(action_request_id, safe='')}"


# --- decisions --------------------------------------------------------------------------------------------------------


def request_action(
    options: Options, wanted: Wanted, wait: bool | float, check: bool, idempotency_key: str | None
) -> Flow[Decision]:
    """Ask, wait for people if told, and raise NotAllowed unless it may be done now (`check`)."""
    key = idempotency_key or new_id("idem")
    send = _post(ACTIONS, wanted.body, headers={"Idempotency-Key": key})
    reply = yield from exchange(options, send)
    found = reading.decision(reading.document(reply, send), send)
    if check and found.reason == "rate_limited":
        raise RateLimited(found.message, retry_after(reply), code=found.reason, request_id=send.request_id)
    if found.pending and wait:
        return (yield from wait_for_approval(options, found.action_request_id, wait, check))
    return checked(found) if check else found


def wait_for_approval(
    options: Options, action_request_id: str, wait: bool | float, check: bool, clock: Any = time.monotonic
) -> Flow[Decision]:
    """Poll until people answered, or `wait` seconds are over (True: as long as the approval lives)."""
    until = None if wait is True else clock() + wait
    while True:
        left = POLL_SECONDS if until is None else max(0.0, min(POLL_SECONDS, until - clock()))
        found = yield from get_action(options, action_request_id, wait=left)
        if not found.pending or (until is not None and clock() >= until):
            return checked(found) if check else found


def get_action(options: Options, action_request_id: str, wait: float = 0) -> Flow[Decision]:
    send = _get(_of(action_request_id), {"wait": f"{wait:.3f}"} if wait else None, extra_time=wait)
    return reading.decision((yield from _call(options, send)), send)


def dry_run(options: Options, wanted: Wanted) -> Flow[DryRun]:
    send = _post(f"{ACTIONS}/dry-run", wanted.body)
    return reading.dry_run((yield from _call(options, send)), send)


def checked(found: Decision) -> Decision:
    """The decision if it may be done now. Raises NotAllowed."""
    if found.allowed:
        return found
    raise _refusal(found)


def _refusal(found: Decision) -> NotAllowed:
    sentence = found.message or f"the action is {found.status.value}"
    if found.status is Status.PENDING_APPROVAL:
        return ApprovalRequired(sentence or "people must agree first", found)
    if found.status is Status.EXPIRED:
        return ApprovalExpired(sentence, found)
    if found.reason == "kill_switch_active":
        return KillSwitchActive(sentence, found)
    if found.reason == "approval_denied":
        return ApprovalDenied(sentence, found)
    if found.status is Status.DENIED:
        return Denied(sentence, found)
    return NotAllowed(f"the action is {found.status.value} already", found)


# --- carrying out -----------------------------------------------------------------------------------------------------


def execute(options: Options, found: Decision) -> Flow[Decision]:
    """Have the gateway carry it out, once. Raises ExecutionFailed, OutcomeUnknown."""
    checked(found)
    if found.decision_token is None:
        found = yield from get_action(options, found.action_request_id)
        checked(found)
    if found.decision_token is None:
        raise Unavailable("the server gives no decision token", code="no_token")
    token = found.decision_token.reveal()
    path = f"{_of(found.action_request_id)}/execute"
    send = _post(path, {"decision_token": token}, repeatable=False, extra_time=options.timeout)
    try:
        done = reading.decision((yield from _call(options, send)), send)
    except NoAnswer as fault:
        if not fault.sent:
            raise
        done = yield from _look(options, found.action_request_id, fault)
    except Unavailable as fault:
        done = yield from _look(options, found.action_request_id, fault)
    if done.status in {Status.ALLOWED, Status.APPROVED}:
        begun = Unavailable("the gateway has begun and has not told yet", request_id=send.request_id)
        done = yield from _look(options, found.action_request_id, begun)
    return _carried_out(done, send)


def _look(options: Options, action_request_id: str, fault: TameFlareError) -> Flow[Decision]:
    """No answer told how it went: the record does, or nobody."""
    for _ in range(_LOOKS):
        try:
            found = yield from get_action(options, action_request_id, wait=POLL_SECONDS / 5)
        except Unavailable:
            continue
        if found.status in {Status.EXECUTED, Status.FAILED, Status.EXPIRED, Status.DENIED}:
            return found
    raise OutcomeUnknown(
        f"nobody knows whether it was done: {fault.message}", {}, code="outcome_unknown", request_id=fault.request_id
    )


def _carried_out(done: Decision, send: Send) -> Decision:
    if done.status is Status.EXECUTED:
        return done
    outcome = dict(done.outcome or {})
    if done.status is not Status.FAILED:
        raise _refusal(done)
    code = str(outcome.get("code") or "failed")
    answered = f"; the upstream answered {outcome['status']}" if outcome.get("status") else ""
    message = str(outcome.get("message") or f"the gateway carried it out and it failed{answered}")
    kind = OutcomeUnknown if code == "outcome_unknown" else ExecutionFailed
    raise kind(message, outcome, code=code, request_id=send.request_id)


def verify(options: Options, decision_token: str, wanted: Wanted) -> Flow[Verified]:
    """Use a decision token up. Raises Conflict where it was used before, Invalid where it does not fit."""
    action = {"type": wanted.type, "resource": wanted.resource, "parameters": wanted.parameters}
    body = {"decision_token": decision_token, "action": action}
    send = _post("/api/v1/tokens/verify", body, repeatable=False)
    return reading.verified((yield from _call(options, send)), send)


def page(options: Options, path: str, query: Mapping[str, Any]) -> Flow[dict[str, Any]]:
    """One page of a list: `items` and `next_cursor`."""
    send = _get(path, query)
    return (yield from _call(options, send))
