"""Records as a proxy makes them, for tests of intake."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import msgspec

from tameflare.link.messages import Intent, Outcome, Record, RecordedAction
from tameflare.link.spool import frame

_INTENT = Intent(
    request_id="",
    time=1_790_000_000.5,
    gateway="gtw_1",
    agent="agt_1",
    run="run_1",
    connector="github",
    actions=(RecordedAction("github.pr.merge", "high", "write", {"base": "main"}),),
    method="PUT",
    scheme="https",
    host="api.github.com",
    port=443,
    path="/repos/octo/hello/pulls/7/merge",
    content_type="application/json",
    user_agent="PyGithub/2.6",
    verdict="allow",
    reason="rule_allow",
    message="allowed by an access rule",
    matched=("rule github.pr.*",),
    would_be="allow",
    level="full_enforce",
    flags=(),
    configuration=42,
)


def intent(request_id: str, **changes: Any) -> Intent:
    return msgspec.structs.replace(_INTENT, request_id=request_id, **changes)


def refusal(request_id: str, **changes: Any) -> Intent:
    """A record that nothing follows."""
    told = {"verdict": "deny", "would_be": "deny", "reason": "no_rule", "status": 403, "overhead_us": 90}
    return intent(request_id, **{**told, "final": True, **changes})


def outcome(request_id: str, **changes: Any) -> Outcome:
    return msgspec.structs.replace(Outcome(request_id, 200, 83_211, 140, 312, 1841), **changes)


def pair(request_id: str) -> tuple[Intent, Outcome]:
    return intent(request_id), outcome(request_id)


def frames(records: Iterable[Record]) -> bytes:
    return b"".join(frame(record) for record in records)
