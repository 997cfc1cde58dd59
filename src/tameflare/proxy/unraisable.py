"""What fails where nobody can catch it: written to the log in one line, instead of a traceback on stderr."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

import structlog

if TYPE_CHECKING:
    from sys import UnraisableHookArgs

log = structlog.get_logger(__name__)


def log_unraisable() -> None:
    """From now on, for the whole process."""
    sys.unraisablehook = _note


def _note(found: UnraisableHookArgs) -> None:
    """A server name that is not ASCII is a stranger's doing: `ssl` refuses that handshake, and says so here."""
    if isinstance(found.exc_value, UnicodeDecodeError):
        log.debug("tls refused: the server name is not ASCII")
        return
    log.error("a fault that could not be raised", where=repr(found.object), fault=repr(found.exc_value))
