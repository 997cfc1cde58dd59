"""What the judge answers, and the closed list of reasons."""

from __future__ import annotations

from enum import StrEnum
from typing import Final

import msgspec

from tameflare.core.approval import Requirement


class Verdict(StrEnum):
    ALLOW = "allow"
    DENY = "deny"
    REQUIRES_APPROVAL = "requires_approval"


STRICTNESS: Final = {Verdict.ALLOW: 0, Verdict.REQUIRES_APPROVAL: 1, Verdict.DENY: 2}


class EnforcementLevel(StrEnum):
    """How a gateway's verdicts bite."""

    FULL_ENFORCE = "full_enforce"
    SOFT_ENFORCE = "soft_enforce"
    MONITOR = "monitor"


class Reason(StrEnum):
    """Every reason code of the product; `docs/reference/reasons.md` explains each."""

    # let through
    RULE_ALLOW = "rule_allow"
    UNWRITTEN_ALLOWED = "unwritten_allowed"
    POLICY_ALLOW = "policy_allow"
    MONITORED = "monitored"
    APPROVED = "approved"
    REMEMBERED = "remembered"
    # on record, and no request
    LOCAL_KILL_SWITCH = "local_kill_switch"
    # refused by the judge
    RULE_DENY = "rule_deny"
    POLICY_DENY = "policy_deny"
    NO_RULE = "no_rule"
    NO_POLICY = "no_policy"
    TOTAL_UNAVAILABLE = "total_unavailable"
    APPROVAL_REQUIRED = "approval_required"
    KILL_SWITCH_ACTIVE = "kill_switch_active"
    RATE_LIMITED = "rate_limited"
    ENGINE_ERROR = "engine_error"
    # held, and not let go
    APPROVAL_DENIED = "approval_denied"
    APPROVAL_TIMEOUT = "approval_timeout"
    APPROVAL_EXPIRED = "approval_expired"
    APPROVAL_SPENT = "approval_spent"
    APPROVAL_UNREACHABLE = "approval_unreachable"
    APPROVALS_UNAVAILABLE = "approvals_unavailable"
    TOO_MANY_APPROVALS = "too_many_approvals"
    BODY_TOO_LARGE_TO_HOLD = "body_too_large_to_hold"
    AGENT_LIMIT = "agent_limit"
    # refused before or after the judge
    UNAUTHENTICATED = "unauthenticated"
    NO_CONNECTOR = "no_connector"
    HOST_MISMATCH = "host_mismatch"
    ADDRESS_REFUSED = "address_refused"
    PLAINTEXT_REFUSED = "plaintext_refused"
    NOT_HTTP = "not_http"
    BAD_REQUEST = "bad_request"
    PATH_AMBIGUOUS = "path_ambiguous"
    BODY_TOO_LARGE = "body_too_large"
    BODY_UNREADABLE = "body_unreadable"
    CREDENTIAL_MISSING = "credential_missing"
    CREDENTIAL_AMBIGUOUS = "credential_ambiguous"
    PLACEHOLDER_MISUSED = "placeholder_misused"
    CONFIGURATION_STALE = "configuration_stale"
    RECORD_UNAVAILABLE = "record_unavailable"
    SHUTTING_DOWN = "shutting_down"
    # the upstream failed
    UPSTREAM_UNREACHABLE = "upstream_unreachable"
    UPSTREAM_CERTIFICATE = "upstream_certificate"
    UPSTREAM_TIMEOUT = "upstream_timeout"
    UPSTREAM_INVALID = "upstream_invalid"
    RESPONSE_ENCODED = "response_encoded"
    UPSTREAM_CLOSED = "upstream_closed"
    CLIENT_CLOSED = "client_closed"
    INTERNAL_ERROR = "internal_error"


class Decision(msgspec.Struct, frozen=True):
    """A verdict with its reason.

    `verdict` is what happens, `would_be` what would have happened at `full_enforce`, `matched` what determined it.
    `charge_rate` says whether the request counts towards the agent's rate window; `requirement` who must agree
    first, where people are asked; `risk_score` the highest that a policy's rule gave it, 0 to 100.
    """

    verdict: Verdict
    reason: Reason
    message: str
    matched: tuple[str, ...] = ()
    would_be: Verdict = Verdict.DENY
    warned: bool = False
    charge_rate: bool = True
    retry_after: int = 0
    requirement: Requirement | None = None
    risk_score: int | None = None

    @property
    def allowed(self) -> bool:
        return self.verdict is Verdict.ALLOW
