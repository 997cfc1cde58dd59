"""Three values: a test is true, false, or an error, because what it reads cannot be read.

`not` of an error is an error, `all` with a false is false and `any` with a true is true whatever else is in it. So the
order of parts never matters, and whoever knows the answer may stop.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Final

from tameflare.core.policy.fields import Seen

Truth = bool | None
ERROR: Final[Truth] = None
Check = Callable[[Seen], Truth]


def always(truth: Truth) -> Check:
    return lambda _: truth


def negated(check: Check) -> Check:
    def holds_not(seen: Seen) -> Truth:
        found = check(seen)
        return ERROR if found is ERROR else not found

    return holds_not


def all_of(checks: Sequence[Check]) -> Check:
    """True of nothing at all."""
    if len(checks) == 1:
        return checks[0]
    if len(checks) == 2:
        return _both(*checks)
    parts = tuple(checks)

    def hold(seen: Seen) -> Truth:
        result: Truth = True
        for check in parts:
            found = check(seen)
            if found is False:
                return False
            if found is ERROR:
                result = ERROR
        return result

    return hold


def _both(first: Check, second: Check) -> Check:
    def hold(seen: Seen) -> Truth:
        found = first(seen)
        if found is True:
            return second(seen)
        if found is False or second(seen) is False:
            return False
        return ERROR

    return hold


def any_of(checks: Sequence[Check]) -> Check:
    """False of nothing at all."""
    if len(checks) == 1:
        return checks[0]
    parts = tuple(checks)

    def holds(seen: Seen) -> Truth:
        result: Truth = False
        for check in parts:
            found = check(seen)
            if found is True:
                return True
            if found is ERROR:
                result = ERROR
        return result

    return holds
