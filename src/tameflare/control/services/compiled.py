"""The newest configuration of all gateways, compiled, for what is decided in the control plane itself."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from typing import Final

import structlog

from tameflare.control.services.configuration import Published
from tameflare.control.services.context import Context
from tameflare.control.store import feed, meta
from tameflare.control.store.engine import Database
from tameflare.core.compile import CompiledConfiguration
from tameflare.core.policy.compile import Problem

TRUSTED_SECONDS: Final = 0.5
"""For so long no version is asked for: another server on the same database may have raised it."""

_log = structlog.get_logger("tameflare.policies")


class Compiled:
    """Built anew when the version has changed, in another thread, once for all who wait for it.

    Whoever changes something through Published and has got his answer finds the change here.
    """

    def __init__(self, context: Context, database: Database, published: Published) -> None:
        self._steady = context.steady
        self._database = database
        self._published = published
        self._marks = 0
        self._building = asyncio.Lock()
        self._made: CompiledConfiguration | None = None
        self._good: tuple[int, float] = (-1, 0.0)
        published.after_change(self._mark)
        database.subscribe(feed.TOPIC, self._mark)

    async def get(self) -> CompiledConfiguration:
        """Costs nothing while nothing changes. Raises DatabaseUnavailable."""
        made = self._made
        if made is not None and self._is_good():
            return made
        async with self._building:
            if self._made is None or not self._is_good():
                self._made = await self._renewed(self._made)
            return self._made

    async def faulty(self) -> Mapping[str, str]:
        """The policies that no longer compile, by name, and why. Raises DatabaseUnavailable."""
        return {problem.name: _first(problem) for problem in (await self.get()).policies.problems}

    async def problems(self) -> Sequence[str]:
        """A sentence for each of them. Raises DatabaseUnavailable."""
        return [
            f"policy `{name}` no longer compiles, so that its whole scope is denied: {why}"
            for name, why in (await self.faulty()).items()
        ]

    def _mark(self) -> None:
        """Called in the writer's thread; what is being built then is asked for its version once more."""
        self._marks += 1

    def _is_good(self) -> bool:
        marks, until = self._good
        return marks == self._marks and self._steady() < until

    async def _renewed(self, made: CompiledConfiguration | None) -> CompiledConfiguration:
        marks, until = self._marks, self._steady() + TRUSTED_SECONDS
        if made is None or (await self._database.read(meta.version)).number != made.version:
            newest = await self._database.read(self._published.everything)
            made = await asyncio.to_thread(CompiledConfiguration, newest)
            for problem in made.policies.problems:
                _log.error("policy_unreadable", policy=problem.name, version=problem.version, message=_first(problem))
        self._good = (marks, until)
        return made


def _first(problem: Problem) -> str:
    return str(problem.diagnostics[0])
