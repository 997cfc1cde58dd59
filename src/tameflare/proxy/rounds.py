"""Going round all connections: what fails at one of them must not spare the others."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Protocol, TypeVar

import structlog

log = structlog.get_logger(__name__)


class Cuttable(Protocol):
    def abort(self) -> None: ...


C = TypeVar("C", bound=Cuttable)


def go_round(connections: Iterable[C], visit: Callable[[C], None]) -> None:
    """Visit each connection that is open now; one at which that fails is cut."""
    for connection in list(connections):
        try:
            visit(connection)
        except Exception:
            log.exception("a connection is cut, since it could not be looked after")
            connection.abort()
