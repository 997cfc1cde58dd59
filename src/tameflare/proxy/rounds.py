"""Going round all connections: what fails at one of them must not spare the others, nor make others wait for long."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable
from itertools import islice
from typing import Final, Protocol, TypeVar

import structlog

log = structlog.get_logger(__name__)

AT_A_TIME: Final = 200
"""Connections that are visited before others get a turn: less than a millisecond's work."""


class Cuttable(Protocol):
    def abort(self) -> None: ...


C = TypeVar("C", bound=Cuttable)


async def stroll_round(connections: Iterable[C], visit: Callable[[C], None]) -> None:
    """As `go_round`, with a turn for everything else now and then. Who has gone meanwhile is visited all the same."""
    rest = iter(list(connections))
    while some := list(islice(rest, AT_A_TIME)):
        go_round(some, visit)
        await asyncio.sleep(0)


def go_round(connections: Iterable[C], visit: Callable[[C], None]) -> None:
    """Visit each connection that is open now; one at which that fails is cut."""
    for connection in list(connections):
        try:
            visit(connection)
        except Exception:
            log.exception("a connection is cut, since it could not be looked after")
            connection.abort()
