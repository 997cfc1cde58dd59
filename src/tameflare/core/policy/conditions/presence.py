"""`exists`: something other than null is there."""

from __future__ import annotations

from tameflare.core.policy.fields import ABSENT, UNREADABLE, Seen
from tameflare.core.policy.truth import ERROR, Check, Truth


def exists(key: str) -> Check:
    def check(seen: Seen) -> Truth:
        value = seen[key]
        if value is UNREADABLE:
            return ERROR
        return value is not ABSENT

    return check
