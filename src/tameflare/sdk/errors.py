"""Everything that the SDK raises. Nothing here ever holds a key or a token."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from tameflare.sdk.answers import Decision


class TameFlareError(Exception):
    """The action must not be done. `code` is a reason code, `help` says what to do next, `status` is the HTTP status of
    the answer if there was one, `request_id` names the request in the server's log."""

    def __init__(
        self,
        message: str,
        *,
        code: str = "",
        help: str = "",  # noqa: A002
        status: int | None = None,
        request_id: str = "",
    ) -> None:
        super().__init__(message)
        self.message = message
        self.code = code
        self.help = help
        self.status = status
        self.request_id = request_id

    def __str__(self) -> str:
        details = [f"code {self.code}"] if self.code else []
        details += [f"request {self.request_id}"] if self.request_id else []
        tail = f" ({', '.join(details)})" if details else ""
        return f"{self.message}{tail}" + (f"; {self.help}" if self.help else "")


class ConfigurationError(TameFlareError):
    """The client cannot be made, or a function cannot be guarded, as it was asked for."""


# --- the decision was no ----------------------------------------------------------------------------------------------


class NotAllowed(TameFlareError):
    """There is a decision, and it is not a yes. `decision` is all of it."""

    def __init__(self, message: str, decision: Decision, *, code: str = "", request_id: str = "") -> None:
        super().__init__(message, code=code or decision.reason, request_id=request_id)
        self.decision = decision

    @property
    def action_request_id(self) -> str:
        """Names the record of it."""
        return self.decision.action_request_id


class Denied(NotAllowed):
    """Rules or policies say no; asking again changes nothing."""


class KillSwitchActive(Denied):
    """Somebody stopped everything, or this agent, gateway or connector."""


class ApprovalRequired(NotAllowed):
    """People must agree first, and nobody was told to wait for them, or not this long."""


class ApprovalDenied(Denied):
    """People said no."""


class ApprovalExpired(NotAllowed):
    """Nobody answered in time, or the time to act on a yes is over."""


class ActionChanged(NotAllowed):
    """What is to be done is not what was decided: arguments changed while people were asked, or it is done already."""


# --- it was carried out, and not well ---------------------------------------------------------------------------------


class ExecutionFailed(TameFlareError):
    """The gateway carried the action out and it failed. `outcome` is what is known."""

    def __init__(self, message: str, outcome: Mapping[str, Any], *, code: str = "", request_id: str = "") -> None:
        super().__init__(message, code=code, request_id=request_id)
        self.outcome = outcome


class OutcomeUnknown(ExecutionFailed):
    """It may have been done or not, and is never tried again: look at the upstream before you ask for it anew."""


# --- there is no decision ---------------------------------------------------------------------------------------------


class RequestRefused(TameFlareError):
    """The server does not take the request, so nothing was decided."""


class Unauthorized(RequestRefused):
    """The key is missing, unknown, expired or revoked."""


class Forbidden(RequestRefused):
    """The key is good and may not do this; a suspended agent is told so."""


class NotFound(RequestRefused):
    """There is nothing by that name, or it belongs to another agent."""


class Conflict(RequestRefused):
    """It does not fit what is there: an idempotency key was used for something else, a token is spent."""


class Invalid(RequestRefused):
    """The request is faulty; `faults` are all faults, each with `field` and `message`."""

    def __init__(self, message: str, faults: Sequence[Mapping[str, str]] = (), **details: Any) -> None:
        super().__init__(message, **details)
        self.faults = tuple(faults)


class RateLimited(RequestRefused):
    """Too many requests, or the month's limit is reached. `retry_after` in seconds, if the server said so."""

    def __init__(self, message: str, retry_after: float | None = None, **details: Any) -> None:
        super().__init__(message, **details)
        self.retry_after = retry_after


class Unavailable(TameFlareError):
    """The server cannot be reached, does not answer in time, or is not able to decide now."""


class UnexpectedAnswer(Unavailable):
    """What came back is no answer of this API; it counts as no."""
