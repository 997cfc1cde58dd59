"""The SDK: ask a TameFlare server before an action is done, and have it carried out. See docs/sdk.md."""

from __future__ import annotations

from tameflare.sdk.answers import Approval, Decision, DryRun, Status, Verified
from tameflare.sdk.async_client import AsyncClient
from tameflare.sdk.client import Client
from tameflare.sdk.errors import (
    ActionChanged,
    ApprovalDenied,
    ApprovalExpired,
    ApprovalRequired,
    ConfigurationError,
    Conflict,
    Denied,
    ExecutionFailed,
    Forbidden,
    Invalid,
    KillSwitchActive,
    NotAllowed,
    NotFound,
    OutcomeUnknown,
    RateLimited,
    RequestRefused,
    TameFlareError,
    Unauthorized,
    Unavailable,
    UnexpectedAnswer,
)
from tameflare.sdk.secret import Secret

__all__ = [
    "ActionChanged",
    "Approval",
    "ApprovalDenied",
    "ApprovalExpired",
    "ApprovalRequired",
    "AsyncClient",
    "Client",
    "ConfigurationError",
    "Conflict",
    "Decision",
    "Denied",
    "DryRun",
    "ExecutionFailed",
    "Forbidden",
    "Invalid",
    "KillSwitchActive",
    "NotAllowed",
    "NotFound",
    "OutcomeUnknown",
    "RateLimited",
    "RequestRefused",
    "Secret",
    "Status",
    "TameFlareError",
    "Unauthorized",
    "Unavailable",
    "UnexpectedAnswer",
    "Verified",
]
