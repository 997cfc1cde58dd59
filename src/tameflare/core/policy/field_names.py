"""The fields that a condition may read, by name; docs/reference/policies.md explains each.

Those of `OPEN` go on with names of the action's own: `parameters.amount`, `resource.owner.login`. All others are here.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

PREFIX: Final = "action_spec."
OPEN: Final = ("parameters", "resource", "risk_hints")
FIXED: Final = (
    "type",
    "risk",
    "effect",
    "gateway",
    "connector",
    "agent.id",
    "agent.name",
    "agent.environment",
    "request.method",
    "request.scheme",
    "request.host",
    "request.port",
    "request.path",
    "request.query",
    "request.content_type",
    "request.user_agent",
    "time.year",
    "time.month",
    "time.day",
    "time.hour",
    "time.minute",
    "time.weekday",
    "time.date",
)
"""`time.*` are read in the installation's time zone: `weekday` is an English name in lower case, `date` is
`2026-11-22`, `hour` 0 to 23; all but these two are numbers."""
NUMBERS: Final = frozenset(
    {"request.port", "time.year", "time.month", "time.day", "time.hour", "time.minute"},
)
"""Those of `FIXED` that are numbers; the others are text."""
CLOCK: Final = "time"
"""What `time_between` compares; it may be left out there."""


def is_spelt_otherwise(fields: Mapping[str, object], name: str) -> bool:
    """Whether there is a name that differs from this one only in case, as some servers do not tell apart."""
    folded = name.casefold()
    return any(other != name and other.casefold() == folded for other in fields)
