"""Logs of the long-lived processes: one line an event, as JSON or as text."""

from __future__ import annotations

import logging
import sys
from typing import Any

import structlog

from tameflare import settings as names
from tameflare.core.text import spell_out
from tameflare.settings import Settings


def configure_logs(settings: Settings) -> None:
    """Everything goes to stderr; fields are named one by one at the call, so that nothing is written by accident."""
    level = logging.getLevelNamesMapping()[settings.get(names.LOG_LEVEL).upper()]
    shape = settings.get(names.LOG_FORMAT)
    as_text = shape == "text" or (shape == "auto" and sys.stderr.isatty())
    shown = [_spelled_out, structlog.dev.ConsoleRenderer()] if as_text else [structlog.processors.JSONRenderer()]
    structlog.configure(
        processors=[
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            structlog.processors.format_exc_info,
            *shown,
        ],
        wrapper_class=structlog.make_filtering_bound_logger(level),
        logger_factory=structlog.PrintLoggerFactory(sys.stderr),
        cache_logger_on_first_use=True,
    )


def _spelled_out(_logger: Any, _method: str, event: dict[str, Any]) -> dict[str, Any]:
    """Values may hold what strangers sent, such as a path: none of it may drive the terminal."""
    return {name: spell_out(value) if isinstance(value, str) else value for name, value in event.items()}
