"""Expected faults of use cases; the API gives each its status."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

import msgspec

from tameflare.core.errors import TameFlareError
from tameflare.core.roles import Role, Scope


class Fault(msgspec.Struct, frozen=True):
    """One thing wrong with what was sent; `field` as `domains.0`."""

    field: str
    message: str
    help: str = ""


class Invalid(TameFlareError):
    """What was sent cannot be accepted; holds every fault that was found."""

    code = "invalid"

    def __init__(self, faults: Sequence[Fault]) -> None:
        super().__init__(faults[0].message if len(faults) == 1 else f"{len(faults)} faults", faults[0].help)
        self.faults = tuple(faults)


_NOT_MADE: Final = frozenset({"approval", "remembered approval", "request", "version"})
"""What people do not make themselves."""


class NotFound(TameFlareError):
    code = "not_found"

    def __init__(self, noun: str, name: str) -> None:
        help_ = "list what exists" if noun in _NOT_MADE else f"list what exists, or create the {noun} first"
        super().__init__(f"there is no {noun} `{name}`", help_)


class AlreadyExists(TameFlareError):
    code = "already_exists"

    def __init__(self, noun: str, name: str) -> None:
        super().__init__(f"the {noun} `{name}` exists already", "choose another name")


class InUse(TameFlareError):
    """Something that others name cannot go; `used_by` says in words who they are."""

    code = "in_use"

    def __init__(self, noun: str, name: str, used_by: Sequence[str]) -> None:
        super().__init__(f"the {noun} `{name}` is named by {used_by[0]}{_others(used_by)}", "change them first")
        self.used_by = tuple(used_by)


def _others(names: Sequence[str]) -> str:
    return f" and {len(names) - 1} more" if len(names) > 1 else ""


class Ambiguous(TameFlareError):
    """A bare word that fits several objects; `candidates` are what to write instead."""

    code = "kill_switch_ambiguous"

    def __init__(self, word: str, candidates: Sequence[str]) -> None:
        names = ", ".join(f"`{candidate}`" for candidate in candidates)
        super().__init__(f"`{word}` is ambiguous", f"write one of {names}")
        self.candidates = tuple(candidates)


class Unauthorized(TameFlareError):
    """Nobody, or not the person he says to be."""

    code = "unauthenticated"


class Refused(TameFlareError):
    """Known, but not allowed to do this."""

    code = "forbidden"


class NotEligible(Refused):
    """May answer approvals, but not this one; the code says why."""


class AlreadyAnswered(TameFlareError):
    """A vote that came too late; `approval` is how it stands now, as the API shows it."""

    code = "already_answered"

    def __init__(self, approval: dict[str, Any]) -> None:
        status = approval["status"]
        super().__init__(f"it is answered already: {status}", f"see `tf approvals show {approval['id']}`")
        self.approval = approval


class RoleTooLow(TameFlareError):
    code = "forbidden"

    def __init__(self, required: Role, actual: Role) -> None:
        super().__init__("Forbidden")
        self.required = required
        self.actual = actual


class ScopeMissing(TameFlareError):
    code = "scope_missing"

    def __init__(self, required: Scope) -> None:
        super().__init__(f"this token lacks the scope `{required}`", f"log in again asking for `{required}`")
        self.required = required


class Throttled(TameFlareError):
    """Too many at once; `retry_after` in seconds."""

    code = "throttled"

    def __init__(self, message: str, retry_after: int) -> None:
        super().__init__(message, f"try again in {retry_after} s")
        self.retry_after = retry_after


class TooLarge(TameFlareError):
    """A body over the limit of its route."""

    code = "body_too_large"

    def __init__(self, most: int) -> None:
        super().__init__(f"a body may have {most} bytes here", "send less")


class IdempotencyConflict(TameFlareError):
    """An idempotency key that was used before, for something else."""

    code = "idempotency_conflict"

    def __init__(self) -> None:
        super().__init__("this idempotency key was used for another request", "make a new key for each request")
