"""Faults of the command line and the exit codes that scripts can rely on."""

from __future__ import annotations

from enum import IntEnum
from typing import Any, Final

from tameflare.core.errors import InvalidValue, SettingError, TameFlareError


class Exit(IntEnum):
    """What `tf` ends with; `tf run` ends with its command's own code."""

    OK = 0
    FAILED = 1
    USAGE = 2
    UNREACHABLE = 3
    NOT_LOGGED_IN = 4
    INTERRUPTED = 130


MEANING: Final = {
    Exit.OK: "done",
    Exit.FAILED: "refused or failed",
    Exit.USAGE: "wrong usage or setting",
    Exit.UNREACHABLE: "server or proxy out of reach, or the database has another schema",
    Exit.NOT_LOGGED_IN: "not logged in",
    Exit.INTERRUPTED: "interrupted",
}


class Unreachable(TameFlareError):
    """Server or proxy does not answer."""

    code = "unreachable"


class Rejected(InvalidValue):
    """What the server would not take; `faults` is everything that is wrong with it."""

    def __init__(self, message: str, faults: list[dict[str, Any]], *, code: str) -> None:
        super().__init__(message, code=code)
        self.faults = faults


class NotLoggedIn(TameFlareError):
    """No personal token, or one that the server refuses."""

    code = "not_logged_in"


def exit_code(fault: TameFlareError) -> Exit:
    if isinstance(fault, Unreachable) or fault.code == "schema_mismatch":
        return Exit.UNREACHABLE
    if isinstance(fault, NotLoggedIn):
        return Exit.NOT_LOGGED_IN
    if isinstance(fault, SettingError | InvalidValue):
        return Exit.USAGE
    return Exit.FAILED
