"""`contains`: a text in a text, or an entry in a list."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from tameflare.core.policy.conditions.kinds import same
from tameflare.core.policy.fields import ABSENT, Seen, settle
from tameflare.core.policy.truth import ERROR, Check, Truth


def contains(key: str, wanted: Any) -> Check:
    is_text = type(wanted) is str

    def check(seen: Seen) -> Truth:
        value = seen[key]
        if type(value) is str:
            return wanted in value if is_text else ERROR
        if type(value) is list:
            return _has(value, wanted)
        return False if value is ABSENT else ERROR

    return check


def _has(entries: Sequence[Any], wanted: Any) -> Truth:
    """Null entries are not there; one of another kind might mean the same, so it is an error."""
    result: Truth = False
    for entry in map(settle, entries):
        if entry is ABSENT:
            continue
        found = same(entry, wanted)
        if found is True:
            return True
        if found is ERROR:
            result = ERROR
    return result
