"""Ends executions whose outcome nobody has told in time: sleeps until the next is due, and looks again at changes."""

from __future__ import annotations

from typing import Final

import structlog

from tameflare.control.services.bell import Bell
from tameflare.control.store.executions import TOPIC
from tameflare.control.wiring import Services
from tameflare.core.errors import TameFlareError

_LONGEST_SLEEP: Final = 3600.0
_AFTER_A_FAULT: Final = 5.0

_log = structlog.get_logger("tameflare.control")


class ExecutionEnd:
    """Time is the services' clock."""

    def __init__(self, services: Services) -> None:
        self._services = services
        self._bell = Bell()
        services.database.subscribe(TOPIC, self._bell.ring)

    async def run(self) -> None:
        """End what is due, again and again, until cancelled. A fault is logged, and the work tried again soon."""
        while True:
            rings = self._bell.rings
            await self._bell.wait(rings, await self._work())

    async def _work(self) -> float:
        """Seconds until there is something to do, if nothing changes."""
        try:
            due = await self._services.jobs.expire()
        except Exception as fault:  # noqa: BLE001 - whatever it was, the job goes on
            known = isinstance(fault, TameFlareError)
            _log.error("execution_end.failed", message=str(fault) if known else type(fault).__name__)
            return _AFTER_A_FAULT
        return _LONGEST_SLEEP if due is None else min(_LONGEST_SLEEP, max(0.0, due - self._services.context.clock()))
