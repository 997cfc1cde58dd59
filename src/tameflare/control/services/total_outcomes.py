"""What the records of proxies say of requests that count for running totals."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from enum import Enum, auto

from tameflare.control.services.approval_outcomes import MAY_HAVE_GONE
from tameflare.control.store.traffic_write import Rows
from tameflare.link.messages import Outcome


class Ending(Enum):
    COUNTS = auto()
    """It happened, or nobody can tell."""
    HAPPENED_NOT = auto()


def endings(rows: Rows, requests: Collection[str]) -> Mapping[str, Ending]:
    """How those of `requests` ended that these records tell the end of."""
    found: dict[str, Ending] = {}
    for request in rows.intents.keys() & requests:
        if rows.intents[request].final:
            found[request] = Ending.HAPPENED_NOT
    for request in rows.outcomes.keys() & requests:
        found[request] = ending(rows.outcomes[request])
    return found


def ending(outcome: Outcome) -> Ending:
    """Of a request that was let through. An upstream that says 4xx has not done it; one that fails may have."""
    if outcome.reason:
        return Ending.COUNTS if outcome.reason in MAY_HAVE_GONE else Ending.HAPPENED_NOT
    return Ending.HAPPENED_NOT if 400 <= outcome.status < 500 else Ending.COUNTS
