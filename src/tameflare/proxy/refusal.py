"""A refusal: what the agent is told, in a form that programs and language models can read."""

from __future__ import annotations

from typing import Final

import msgspec

from tameflare.core.decision import Decision, Reason, Verdict

STATUS: Final = {
    Reason.UNAUTHENTICATED: 407,
    Reason.HOST_MISMATCH: 421,
    Reason.BAD_REQUEST: 400,
    Reason.PATH_AMBIGUOUS: 400,
    Reason.NOT_HTTP: 400,
    Reason.BODY_TOO_LARGE: 413,
    Reason.BODY_TOO_LARGE_TO_HOLD: 413,
    Reason.RATE_LIMITED: 429,
    Reason.AGENT_LIMIT: 429,
    Reason.TOO_MANY_APPROVALS: 429,
    Reason.APPROVAL_TIMEOUT: 408,
    Reason.APPROVAL_EXPIRED: 408,
    Reason.APPROVALS_UNAVAILABLE: 503,
    Reason.CONFIGURATION_STALE: 503,
    Reason.RECORD_UNAVAILABLE: 503,
    Reason.SHUTTING_DOWN: 503,
    Reason.INTERNAL_ERROR: 500,
    Reason.UPSTREAM_UNREACHABLE: 502,
    Reason.UPSTREAM_CERTIFICATE: 502,
    Reason.UPSTREAM_INVALID: 502,
    Reason.RESPONSE_ENCODED: 502,
    Reason.UPSTREAM_CLOSED: 502,
    Reason.UPSTREAM_TIMEOUT: 504,
}
FORBIDDEN: Final = 403

HELP: Final = {
    Reason.NO_CONNECTOR: "add a connector for this host to the gateway: `tf connector add`",
    Reason.NO_RULE: "a person may allow it: `tf permissions set`",
    Reason.RULE_DENY: "do not try again; a person may change the rule: `tf permissions list`",
    Reason.POLICY_DENY: "do not try again; a person may change the policy that `matched` names: `tf policy show`",
    Reason.NO_POLICY: "a person may write a policy that allows it: `tf policy apply`",
    Reason.ENGINE_ERROR: "what cannot be judged is denied; the message says what was unclear: `tf policy list`",
    Reason.TOTAL_UNAVAILABLE: "check that the control plane runs: `tf status`; nothing was sent",
    Reason.BODY_UNREADABLE: "send the body in a form that can be judged: plain JSON, or a form, in UTF-8",
    Reason.APPROVAL_REQUIRED: "a person must agree first",
    Reason.APPROVAL_DENIED: "do not try again; a person has said no",
    Reason.APPROVAL_TIMEOUT: "nobody has answered yet; the same request, sent again, joins the approval if it waits",
    Reason.APPROVAL_EXPIRED: "nobody answered in time; ask a person before trying again",
    Reason.APPROVAL_SPENT: "another request used this approval; each is good for one",
    Reason.APPROVAL_UNREACHABLE: "nobody may answer this; an owner must change the rule or give somebody the role",
    Reason.APPROVALS_UNAVAILABLE: "check that the control plane runs: `tf status`; nothing was sent",
    Reason.TOO_MANY_APPROVALS: "wait until people have answered: `tf approvals list`",
    Reason.BODY_TOO_LARGE_TO_HOLD: "send a smaller body; TF_MAX_HELD_BODY is the limit of a body that waits for people",
    Reason.AGENT_LIMIT: "let requests that are under way end first",
    Reason.KILL_SWITCH_ACTIVE: "stop; an owner switches it off: `tf kill-switch off`",
    Reason.RATE_LIMITED: "wait as long as `Retry-After` says",
    Reason.CREDENTIAL_MISSING: "a person stores it: `tf connector credential`",
    Reason.CREDENTIAL_AMBIGUOUS: "send the placeholder key of the connector that is meant",
    Reason.PLACEHOLDER_MISUSED: "send this key only to the hosts of its own connector",
    Reason.UNAUTHENTICATED: "start the program with `tf run`",
    Reason.ADDRESS_REFUSED: "a person may list the address in the connector's `allow_addresses`",
    Reason.PLAINTEXT_REFUSED: "use https",
    Reason.UPSTREAM_UNREACHABLE: "check the host's name, and the network of the machine that the proxy runs on",
    Reason.UPSTREAM_CERTIFICATE: "check the upstream's certificate, or name its authority in TF_UPSTREAM_CA",
    Reason.CONFIGURATION_STALE: "check that the control plane runs: `tf status`",
    Reason.RECORD_UNAVAILABLE: "free space for the record spool in the proxy's data directory",
    Reason.PATH_AMBIGUOUS: "send the path in its normal form",
    Reason.BODY_TOO_LARGE: "send a smaller body; TF_MAX_BODY is the limit of a body that must be judged",
}


class Refusal(msgspec.Struct, frozen=True):
    """Why a request does not go on. `close`: the connection cannot be used after the answer."""

    reason: Reason
    message: str
    matched: tuple[str, ...] = ()
    retry_after: int = 0
    close: bool = False
    decision: Decision | None = None

    @property
    def status(self) -> int:
        return STATUS.get(self.reason, FORBIDDEN)

    @property
    def help(self) -> str:
        return HELP.get(self.reason, "")

    @property
    def verdict(self) -> Verdict:
        return self.decision.verdict if self.decision is not None else Verdict.DENY


def too_many_bytes(most: int) -> Refusal:
    """The agent's bodies that are kept in memory are as many bytes as they may be."""
    return Refusal(Reason.AGENT_LIMIT, f"the bodies of this agent that wait are {most} bytes already (TF_MAX_BUFFERED)")


def too_many_held(most: int) -> Refusal:
    """As many requests of the agent wait for people as may."""
    return Refusal(Reason.AGENT_LIMIT, f"{most} requests of this agent wait for people already (TF_MAX_HELD_REQUESTS)")


def refused(decision: Decision, retry_after: int = 0) -> Refusal:
    """The refusal that follows from a decision that does not allow."""
    return Refusal(decision.reason, decision.message, decision.matched, retry_after, decision=decision)
