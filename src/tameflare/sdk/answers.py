"""What the server answers, as values. Reading is strict: an answer that is not understood is no yes."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, Final

from tameflare.sdk.secret import Secret


class Status(StrEnum):
    """How an action stands."""

    ALLOWED = "allowed"
    DENIED = "denied"
    PENDING_APPROVAL = "pending_approval"
    APPROVED = "approved"
    EXPIRED = "expired"
    EXECUTED = "executed"
    FAILED = "failed"


_GO: Final = frozenset({Status.ALLOWED, Status.APPROVED})


@dataclass(frozen=True, slots=True)
class Approval:
    """People who must agree. `expires_at` in Unix seconds."""

    id: str
    required_approver_groups: tuple[str, ...] = ()
    expires_at: int | None = None


@dataclass(frozen=True, slots=True)
class Decision:
    """What was decided of an action, and how it stands now.

    `decision` is `allow`, `deny` or `requires_approval`; `reason` its code, `message` a sentence; `risk_score` 0 to
    100. `raw` is the answer as it came, without the token.
    """

    action_request_id: str
    status: Status
    decision: str
    reason: str
    message: str = ""
    risk_score: int | None = None
    matched_policies: tuple[str, ...] = ()
    approval: Approval | None = None
    outcome: Mapping[str, Any] | None = None
    decision_token: Secret | None = field(default=None, repr=False, compare=False)
    raw: Mapping[str, Any] = field(default_factory=dict, repr=False, compare=False)

    @property
    def allowed(self) -> bool:
        """Whether it may be done now."""
        return self.status in _GO

    @property
    def pending(self) -> bool:
        """Whether people are being asked."""
        return self.status is Status.PENDING_APPROVAL


@dataclass(frozen=True, slots=True)
class DryRun:
    """What would be decided; nothing was recorded and nobody asked. `raw` explains it policy by policy."""

    decision: str
    reason: str
    message: str
    risk_score: int | None
    raw: Mapping[str, Any] = field(default_factory=dict, repr=False, compare=False)

    @property
    def allowed(self) -> bool:
        return self.decision == "allow"


@dataclass(frozen=True, slots=True)
class Verified:
    """A decision token was good, and is used up now."""

    action_request_id: str
    gateway: str
    agent: str
    type: str
