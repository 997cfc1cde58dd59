"""Goes on with actions when people have answered, and ends those that nobody carried out in time."""

from __future__ import annotations

from typing import Final

import structlog

from tameflare.control.services.bell import Bell
from tameflare.control.store.approvals import TOPIC
from tameflare.control.wiring import Services
from tameflare.core.errors import TameFlareError

_BETWEEN_LOOKS: Final = 10.0
_AFTER_A_FAULT: Final = 2.0

_log = structlog.get_logger("tameflare.control")


class ActionJob:
    """Looks when any approval changes, and every ten seconds: whoever reads an action sees that its time is over
    whether or not it was marked so."""

    def __init__(self, services: Services) -> None:
        self._services = services
        self._bell = Bell()
        services.database.subscribe(TOPIC, self._bell.ring)

    async def run(self) -> None:
        """Until cancelled. A fault is logged, and the work tried again soon."""
        while True:
            rings = self._bell.rings
            await self._bell.wait(rings, await self._work())

    async def _work(self) -> float:
        """Seconds until there is something to do, if nothing changes."""
        try:
            going = await self._services.release.release() + await self._services.release.expire()
        except Exception as fault:  # noqa: BLE001 - whatever it was, the job goes on
            known = isinstance(fault, TameFlareError)
            _log.error("actions.failed", message=str(fault) if known else type(fault).__name__)
            return _AFTER_A_FAULT
        return 0.0 if going else _BETWEEN_LOOKS
