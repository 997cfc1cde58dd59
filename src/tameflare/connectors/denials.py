"""Refusals in the shape that each vendor's SDK understands, our fields inside."""

from __future__ import annotations

from collections.abc import Callable
from http import HTTPStatus
from typing import Any, Final

import msgspec

from tameflare.core.decision import Reason

Shape = Callable[["Denial"], "Rendered"]
Headers = tuple[tuple[str, str], ...]
_ANSWERED: Final = 200
_AUTHENTICATE: Final = 407
_TOO_MANY: Final = 429
_SERVER_FAULT: Final = 500
_FOR_PEOPLE: Final = frozenset((Reason.APPROVALS_UNAVAILABLE, Reason.TOO_MANY_APPROVALS))


class Denial(msgspec.Struct, frozen=True):
    """Why a request was refused; `retry_after` in seconds, 0 for none. `reason` is the reason code."""

    status: int
    code: str
    message: str
    action: str = ""
    reason: str = ""
    request_id: str = ""
    matched: tuple[str, ...] = ()
    help: str = ""
    retry_after: int = 0

    @property
    def is_final(self) -> bool:
        """Whether trying again is pointless: everything but rate limits and faults on the way upstream."""
        return (self.status < _SERVER_FAULT and self.status != _TOO_MANY) or self.code in _FOR_PEOPLE


class Rendered(msgspec.Struct, frozen=True):
    """A response to the agent, without Content-Length."""

    status: int
    headers: Headers
    content_type: str
    body: bytes


def facts(denial: Denial) -> dict[str, Any]:
    """Our fields, without the message."""
    return {
        "action": denial.action,
        "reason": denial.reason,
        "request_id": denial.request_id,
        "matched": list(denial.matched),
        "help": denial.help,
    }


def plain(denial: Denial) -> Rendered:
    """Our own shape, flat: for types without a vendor."""
    body = {"error": _phrase(denial.status), "code": denial.code, "message": denial.message, **facts(denial)}
    return _json(denial, body)


def github(denial: Denial) -> Rendered:
    """`message` at the top, as the REST API does; PyGithub and Octokit print it."""
    body = {"message": denial.message, "error": _phrase(denial.status), "code": denial.code, **facts(denial)}
    return _json(denial, body)


def git(denial: Denial) -> Rendered:
    """Plain text, which git prints line by line after `remote:`."""
    text = "\n".join(lines(denial)) + "\n"
    return Rendered(denial.status, retry(denial), "text/plain; charset=utf-8", text.encode())


def lines(denial: Denial) -> list[str]:
    """For people who read them one below the other."""
    found = [f"TameFlare: {denial.message}", f"code: {denial.code}", f"action: {denial.action}"]
    return [*found, f"request id: {denial.request_id}"] + ([denial.help] if denial.help else [])


_OPENAI_TYPES: Final = {
    401: "authentication_error",
    403: "permission_error",
    408: "timeout_error",
    429: "rate_limit_error",
}


def openai(denial: Denial) -> Rendered:
    kind = _OPENAI_TYPES.get(denial.status, _fault_type(denial.status, "server_error"))
    error = {"message": denial.message, "type": kind, "param": None, "code": denial.code, **facts(denial)}
    return _json(denial, {"error": error})


_ANTHROPIC_TYPES: Final = {
    401: "authentication_error",
    403: "permission_error",
    408: "timeout_error",
    413: "request_too_large",
    429: "rate_limit_error",
    504: "timeout_error",
}


def anthropic(denial: Denial) -> Rendered:
    kind = _ANTHROPIC_TYPES.get(denial.status, _fault_type(denial.status, "api_error"))
    error = {"type": kind, "message": denial.message, "code": denial.code, **facts(denial)}
    body = {"type": "error", "error": error, "request_id": denial.request_id}
    return _json(denial, body)


def stripe(denial: Denial) -> Rendered:
    kind = _fault_type(denial.status, "api_error")
    error = {"type": kind, "code": denial.code, "message": denial.message, **facts(denial)}
    return _json(denial, {"error": error}, (("stripe-should-retry", "false"),) if denial.is_final else ())


def slack(denial: Denial) -> Rendered:
    """`ok: false` with the code in `error`, which SDKs switch on.

    The status is 200, as Slack's own is for what it refuses: its SDK for Node sends a request that was answered by
    anything else again, for half an hour. What may pass keeps its status, so that it is tried again.
    """
    body = {"ok": False, "error": denial.code, "code": denial.code, "message": denial.message, **facts(denial)}
    answered = denial.is_final and denial.status != _AUTHENTICATE
    rendered = _json(denial, body | {"status": denial.status})
    return msgspec.structs.replace(rendered, status=_ANSWERED) if answered else rendered


def _fault_type(status: int, server: str) -> str:
    return server if status >= _SERVER_FAULT else "invalid_request_error"


def _phrase(status: int) -> str:
    try:
        return HTTPStatus(status).phrase
    except ValueError:
        return "Refused"


def retry(denial: Denial) -> Headers:
    """PyGithub and others try a 403 again if it says when, so only a refusal that may pass says so; of any other it is
    said that it will not, in the header that the SDKs of OpenAI and Anthropic read."""
    if denial.is_final:
        return (("x-should-retry", "false"),)
    return (("Retry-After", str(denial.retry_after)),) if denial.retry_after else ()


def _json(denial: Denial, body: dict[str, Any], extra: Headers = ()) -> Rendered:
    """The line feed at the end keeps a shell's next line apart from what curl printed."""
    return Rendered(denial.status, retry(denial) + extra, "application/json", msgspec.json.encode(body) + b"\n")
