"""What each reason code means, in a sentence; the reference page and the command line print them."""

from __future__ import annotations

from typing import Final

from tameflare.core.decision import Reason

MEANING: Final = {
    Reason.RULE_ALLOW: "An access rule allows the action.",
    Reason.UNWRITTEN_ALLOWED: "No rule is written for the action, and the gateway's level `soft_enforce` lets that through with a warning.",  # noqa: E501
    Reason.POLICY_ALLOW: "A policy allows the action, and the gateway goes by policies alone.",
    Reason.MONITORED: "The gateway's level `monitor` let through what would otherwise have been refused or held; `would_be` says which.",  # noqa: E501
    Reason.RULE_DENY: "An access rule denies the action.",
    Reason.POLICY_DENY: "A rule of a policy denies the action; the message is the reason written there.",
    Reason.NO_RULE: "No access rule of the connector matches the action.",
    Reason.NO_POLICY: "The gateway goes by policies alone, and none allows the action.",
    Reason.TOTAL_UNAVAILABLE: "A policy compares a running total, and the control plane, which keeps it, cannot be reached.",  # noqa: E501
    Reason.APPROVED: "People agreed to this very request.",
    Reason.REMEMBERED: "People agreed earlier, and chose to have their answer remembered for such requests.",
    Reason.APPROVAL_REQUIRED: "A rule asks for people's consent, and this request could not wait for it.",
    Reason.APPROVAL_DENIED: "A person said no; the message is what they wrote.",
    Reason.APPROVAL_TIMEOUT: "Nobody answered while the connection waited (`TF_APPROVAL_TIMEOUT`).",
    Reason.APPROVAL_EXPIRED: "The approval ended before enough people had answered.",
    Reason.APPROVAL_SPENT: "The approval was used by another request; each is good for one.",
    Reason.APPROVAL_UNREACHABLE: "Nobody exists who may answer, so nobody was asked.",
    Reason.APPROVALS_UNAVAILABLE: "The control plane, which asks people, cannot be reached.",
    Reason.TOO_MANY_APPROVALS: "As many approvals of this agent wait as may (`TF_MAX_PENDING_APPROVALS`).",
    Reason.BODY_TOO_LARGE_TO_HOLD: "A body that waits for people is kept in memory and was over `TF_MAX_HELD_BODY`.",
    Reason.AGENT_LIMIT: "The agent has as many tunnels, held requests or buffered bytes as it may.",
    Reason.KILL_SWITCH_ACTIVE: "A kill switch for everything, the gateway, the connector or the agent is on.",
    Reason.LOCAL_KILL_SWITCH: "Not a request: a user of the proxy's machine switched the proxy's own kill switch; the message says who and why.",  # noqa: E501
    Reason.RATE_LIMITED: "The agent used up its requests of the last minute.",
    Reason.ENGINE_ERROR: "The request could not be judged; whatever cannot be judged is denied.",
    Reason.UNAUTHENTICATED: "`Proxy-Authorization` holds no valid token, or its run or agent has ended.",
    Reason.NO_CONNECTOR: "No connector of the gateway names this host and port.",
    Reason.HOST_MISMATCH: "The host of the tunnel, the server name in TLS and the `Host` header differ.",
    Reason.ADDRESS_REFUSED: "The host resolves to an address that is not public and that the connector does not list.",
    Reason.PLAINTEXT_REFUSED: "Plain http, and the connector does not allow it.",
    Reason.NOT_HTTP: "The tunnel carries neither TLS nor HTTP.",
    Reason.BAD_REQUEST: "The message is not well-formed HTTP/1.1, or could be read in two ways.",
    Reason.PATH_AMBIGUOUS: "The path could be read in two ways (dot segments, doubled slashes, odd encodings).",
    Reason.BODY_TOO_LARGE: "The body must be judged and is larger than the limit.",
    Reason.BODY_UNREADABLE: "The body must be judged and cannot be read.",
    Reason.CREDENTIAL_MISSING: "The connector requires a credential and none is stored.",
    Reason.CREDENTIAL_AMBIGUOUS: "Two connectors serve this host, and nothing in the request says which is meant.",
    Reason.PLACEHOLDER_MISUSED: "A placeholder key was sent to a host that it is not bound to.",
    Reason.CONFIGURATION_STALE: "The proxy has not heard from the control plane for longer than `TF_CONFIG_MAX_AGE`.",
    Reason.RECORD_UNAVAILABLE: "The request could not be recorded (disk full, or too many records wait for delivery).",
    Reason.SHUTTING_DOWN: "The proxy is stopping.",
    Reason.UPSTREAM_UNREACHABLE: "The upstream's name does not resolve or nothing answers at its address.",
    Reason.UPSTREAM_CERTIFICATE: "The upstream's certificate is not valid for this host.",
    Reason.UPSTREAM_TIMEOUT: "The upstream did not connect or answer in time.",
    Reason.UPSTREAM_INVALID: "The upstream's answer is not well-formed HTTP/1.1.",
    Reason.RESPONSE_ENCODED: "The upstream's answer came encoded, so that it could not be masked or filtered.",
    Reason.UPSTREAM_CLOSED: "The upstream closed the connection before its answer was whole.",
    Reason.CLIENT_CLOSED: "The agent closed the connection before the answer was whole.",
    Reason.INTERNAL_ERROR: "A fault in TameFlare itself; the request did not go on.",
}
