"""HTTP answers into values or faults."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any, Final

from tameflare.sdk.answers import Approval, Decision, DryRun, Status, Verified
from tameflare.sdk.errors import (
    Conflict,
    Forbidden,
    Invalid,
    NotFound,
    RateLimited,
    RequestRefused,
    TameFlareError,
    Unauthorized,
    Unavailable,
    UnexpectedAnswer,
)
from tameflare.sdk.exchange import Reply, Send, retry_after
from tameflare.sdk.secret import Secret

_KINDS: Final[dict[int, type[RequestRefused]]] = {
    401: Unauthorized,
    403: Forbidden,
    404: NotFound,
    409: Conflict,
}
_VERDICTS: Final = frozenset({"allow", "deny", "requires_approval"})


def document(reply: Reply, send: Send) -> dict[str, Any]:
    """The JSON object of a good answer. Raises RequestRefused, Unavailable."""
    try:
        found = json.loads(reply.body)
    except ValueError:
        found = None
    if not 200 <= reply.status < 300:
        raise _fault(reply, found if isinstance(found, dict) else {}, send)
    if not isinstance(found, dict):
        raise UnexpectedAnswer("the answer is no JSON object", status=reply.status, request_id=send.request_id)
    return found


def _fault(reply: Reply, body: Mapping[str, Any], send: Send) -> TameFlareError:
    message = _word(body, "message") or _word(body, "error") or f"the server answered {reply.status}"
    details: dict[str, Any] = {
        "code": _word(body, "code"),
        "help": _word(body, "help"),
        "status": reply.status,
        "request_id": send.request_id,
    }
    if reply.status == 422:
        faults = [fault for fault in body.get("faults") or [] if isinstance(fault, dict)]
        return Invalid(_all_of(message, faults), faults, **details)
    if reply.status == 429:
        return RateLimited(message, retry_after(reply), **details)
    if reply.status >= 500:
        return Unavailable(message, **details)
    kind = _KINDS.get(reply.status, RequestRefused if reply.status >= 400 else UnexpectedAnswer)
    return kind(message, **details)


def _all_of(message: str, faults: list[dict[str, str]]) -> str:
    if len(faults) < 2:
        return message
    return "; ".join(f"{fault.get('field', '')}: {fault.get('message', '')}" for fault in faults)


def decision(body: dict[str, Any], send: Send) -> Decision:
    """Raises UnexpectedAnswer for whatever is not understood."""
    token = body.pop("decision_token", None)
    try:
        verdict, status = _text(body["decision"]), Status(body["status"])
        if verdict not in _VERDICTS:
            raise ValueError(verdict)
        if status is Status.ALLOWED and verdict != "allow":
            raise ValueError("status and decision contradict each other")
        return Decision(
            action_request_id=_text(body["action_request_id"]),
            status=status,
            decision=verdict,
            reason=_text(body["reason"]),
            message=_word(body, "message"),
            risk_score=body.get("risk_score"),
            matched_policies=tuple(body.get("matched_policies") or ()),
            approval=_approval(body.get("approval")),
            outcome=body.get("outcome"),
            decision_token=Secret(token) if token else None,
            raw=body,
        )
    except (KeyError, TypeError, ValueError, AttributeError) as fault:
        raise _not_understood(send, fault) from None


def dry_run(body: dict[str, Any], send: Send) -> DryRun:
    """Raises UnexpectedAnswer."""
    try:
        if body["decision"] not in _VERDICTS:
            raise ValueError(body["decision"])
        return DryRun(body["decision"], _text(body["reason"]), _word(body, "message"), body.get("risk_score"), body)
    except (KeyError, TypeError, ValueError) as fault:
        raise _not_understood(send, fault) from None


def verified(body: dict[str, Any], send: Send) -> Verified:
    """Raises UnexpectedAnswer."""
    try:
        if body["valid"] is not True:
            raise ValueError("valid")
        return Verified(
            _text(body["action_request_id"]), _text(body["gateway"]), _text(body["agent"]), _text(body["type"])
        )
    except (KeyError, TypeError, ValueError) as fault:
        raise _not_understood(send, fault) from None


def _approval(found: Any) -> Approval | None:
    if found is None:
        return None
    return Approval(_text(found["id"]), tuple(found.get("required_approver_groups") or ()), found.get("expires_at"))


def _not_understood(send: Send, fault: Exception) -> UnexpectedAnswer:
    return UnexpectedAnswer(
        f"the answer is not understood ({type(fault).__name__}: {fault})",
        code="unexpected_answer",
        help="use an SDK of the server's release",
        request_id=send.request_id,
    )


def _text(value: Any) -> str:
    if not isinstance(value, str):
        raise TypeError(f"{type(value).__name__} where text belongs")
    return value


def _word(body: Mapping[str, Any], name: str) -> str:
    value = body.get(name)
    return value if isinstance(value, str) else ""
