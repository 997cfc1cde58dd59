"""Logs of the long-lived processes: one line an event, as JSON or as text."""

from __future__ import annotations

import logging
import sys

import structlog

from tameflare import settings as names
from tameflare.settings import Settings


def configure_logs(settings: Settings) -> None:
    """Everything goes to stderr; fields are named one by one at the call, so that nothing is written by accident."""
    level = logging.getLevelNamesMapping()[settings.get(names.LOG_LEVEL).upper()]
    shape = settings.get(names.LOG_FORMAT)
    as_text = shape == "text" or (shape == "auto" and sys.stderr.isatty())
    structlog.configure(
        processors=[
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            structlog.processors.format_exc_info,
            structlog.dev.ConsoleRenderer() if as_text else structlog.processors.JSONRenderer(),
        ],
        wrapper_class=structlog.make_filtering_bound_logger(level),
        logger_factory=structlog.PrintLoggerFactory(sys.stderr),
        cache_logger_on_first_use=True,
    )
