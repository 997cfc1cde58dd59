"""Keeps the databases from growing for ever: what is over its time is dropped at the start and then once a day."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Final

import structlog

from tameflare.control.store import actions, approvals, proxies
from tameflare.control.wiring import Services
from tameflare.core.errors import TameFlareError
from tameflare.settings import RETENTION_DAYS

DAY: Final = 86400.0
_TOGETHER: Final = 500

_log = structlog.get_logger("tameflare.control")


class Retention:
    """`wait` is given seconds; the time of day is the services' clock."""

    def __init__(self, services: Services, wait: Callable[[float], Awaitable[object]] = asyncio.sleep) -> None:
        self._services = services
        self._wait = wait

    async def run(self) -> None:
        """Purge now and every 24 hours, until cancelled. A purge that fails is logged and tried again the next time."""
        while True:
            try:
                await self.purge()
            except Exception as fault:  # noqa: BLE001 - whatever it was, the job goes on
                known = isinstance(fault, TameFlareError)
                _log.error("retention.failed", message=str(fault) if known else type(fault).__name__)
            await self._wait(DAY)

    async def purge(self) -> None:
        """Drop what is over AUDIT_RETENTION_DAYS old: months of records, answered approvals, actions of the decision
        API; and messages that no proxy waits for."""
        months = await self._drop_months()
        known = await self._services.database.read(proxies.listed)
        messages = await self._services.feed.prune([proxy.id for proxy in known])
        asked = await self._drop_asked()
        answered = await self._drop_answered()
        await self._services.totals.prune()
        await self._services.database.write(self._services.decision_tokens.purge)
        await self._services.database.write(self._services.signing_keys.purge)
        if months or messages or answered or asked:
            _log.info("retention.purged", months=months, messages=messages, approvals=answered, actions=asked)

    async def _drop_asked(self) -> int:
        """A bounded number at a time, so that no decision waits for it."""
        days = self._services.context.settings.get(RETENTION_DAYS)
        if days is None:
            return 0
        moment, dropped = int(self._services.context.clock() - days * DAY), 0
        while more := await self._services.database.write(
            lambda connection: actions.remove_before(connection, moment, _TOGETHER)
        ):
            dropped += more
        return dropped

    async def _drop_answered(self) -> int:
        days = self._services.context.settings.get(RETENTION_DAYS)
        if days is None:
            return 0
        moment = int(self._services.context.clock() - days * DAY)
        return await self._services.database.write(lambda connection: approvals.remove_before(connection, moment))

    async def _drop_months(self) -> list[str]:
        days = self._services.context.settings.get(RETENTION_DAYS)
        if days is None:
            return []
        return await self._services.traffic.drop_before(self._services.context.clock() - days * DAY)
