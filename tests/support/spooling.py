"""Records for tests of the spool, and what a directory of segments holds."""

from __future__ import annotations

from pathlib import Path

from tameflare.link.messages import Intent, Outcome, RecordedAction
from tameflare.link.spool import decode, payloads
from tameflare.proxy.segments import segments


def intent(number: int = 0, path: str = "/repos/acme/site/issues") -> Intent:
    return Intent(
        request_id=f"req_{number:026d}",
        time=1_700_000_000.5,
        gateway="main",
        agent="default",
        run="",
        connector="github",
        actions=(RecordedAction("github.issue.create", "medium", "write", {"owner": "acme", "repo": "site"}),),
        method="POST",
        scheme="https",
        host="api.github.com",
        port=443,
        path=path,
        content_type="application/json",
        user_agent="python-httpx/0.28.1",
        verdict="allow",
        reason="access_rule",
        message="",
        matched=("rule_01",),
        would_be="allow",
        level="full_enforce",
        flags=(),
        configuration=42,
    )


def outcome(number: int = 0) -> Outcome:
    return Outcome(f"req_{number:026d}", 200, 12_000, 80, 1024, 4096)


def request_ids(directory: Path) -> list[str]:
    """The request ids of every whole frame on disk, in order; fails if anything else is there."""
    found = []
    for entry in segments(directory):
        data = entry.path.read_bytes()
        end = 0
        for end, payload in payloads(data):  # noqa: B007
            found.append(decode(payload).request_id)
        assert end == len(data), f"{entry.path} has a torn tail"
    return found
