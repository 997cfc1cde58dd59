"""Reading the record of requests as people want it: by names, page by page, and as it grows."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

import msgspec

from tameflare.control.services.bell import Bell
from tameflare.control.store import traffic_names
from tameflare.control.store.engine import Connection, Database
from tameflare.control.store.traffic import TrafficStore
from tameflare.control.store.traffic_read import Filter, Found
from tameflare.control.store.traffic_schema import COMPLETE
from tameflare.link.messages import RecordedAction

_actions: msgspec.json.Decoder[tuple[RecordedAction, ...]] = msgspec.json.Decoder(tuple[RecordedAction, ...])
_words: msgspec.json.Decoder[tuple[str, ...]] = msgspec.json.Decoder(tuple[str, ...])


class Wanted(msgspec.Struct, frozen=True):
    """A filter in people's words: agent and gateway by name or id; see store.traffic_read.Filter for the rest."""

    agent: str = ""
    gateway: str = ""
    decision: str = ""
    action: str = ""
    request_id: str = ""
    since: float | None = None


class TrafficLog:
    """`arrivals` rings when records were stored; `steady` is a clock for waiting."""

    def __init__(
        self,
        database: Database,
        traffic: TrafficStore,
        arrivals: Bell,
        steady: Callable[[], float] = time.monotonic,
    ) -> None:
        self._database = database
        self._traffic = traffic
        self._arrivals = arrivals
        self._steady = steady

    async def page(self, wanted: Wanted, before: int | None, limit: int) -> list[dict[str, Any]]:
        """At most `limit` requests that stand before row `before`, newest first."""
        rows = await self._traffic.newest(await self._filter(wanted), before, limit)
        return await self._shown(rows)

    async def page_of(self, agent_id: str, before: int | None, limit: int) -> list[dict[str, Any]]:
        """The same of one agent, by its id and nothing else."""
        return await self._shown(await self._traffic.newest(Filter(agents=(agent_id,)), before, limit))

    async def tail(self, wanted: Wanted, after: int, limit: int, wait: float) -> list[dict[str, Any]]:
        """At most `limit` requests that ended after row `after`, oldest first; waits for the first at most `wait`
        seconds."""
        exact = await self._filter(wanted)
        deadline = self._steady() + wait
        while True:
            rings = self._arrivals.rings
            rows = await self._traffic.following(exact, after, limit)
            remaining = deadline - self._steady()
            if rows or remaining <= 0 or not await self._arrivals.wait(rings, remaining):
                return await self._shown(rows)

    async def _filter(self, wanted: Wanted) -> Filter:
        def look_up(connection: Connection) -> Filter:
            return Filter(
                agents=traffic_names.agent_ids(connection, wanted.agent) if wanted.agent else None,
                gateways=traffic_names.gateway_ids(connection, wanted.gateway) if wanted.gateway else None,
                decision=wanted.decision,
                action=wanted.action,
                request_id=wanted.request_id,
                since=wanted.since,
            )

        return await self._database.read(look_up)

    async def _shown(self, rows: list[Found]) -> list[dict[str, Any]]:
        ids = {row[column] for row in rows for column in ("agent", "gateway")}
        if not ids:
            return []
        names = await self._database.read(lambda connection: traffic_names.names_of(connection, ids))
        return [_show(row, lambda some_id: names.get(some_id, some_id)) for row in rows]


def _show(row: Found, name: Callable[[str], str]) -> dict[str, Any]:
    """A row in the words of the API."""
    return row | {
        "gateway": name(row["gateway"]),
        "gateway_id": row["gateway"],
        "agent": name(row["agent"]),
        "agent_id": row["agent"],
        "actions": [msgspec.structs.asdict(action) for action in _actions.decode(row["actions"])],
        "matched": _words.decode(row["matched"]),
        "flags": _words.decode(row["flags"]),
        "reason": row["failure"] or row["reason"],
        "decision_reason": row["reason"],
        "enforced": row["decision"] == row["would_be"],
        "latency_ms": row["latency_us"] / 1000,
        "overhead_ms": row["overhead_us"] / 1000,
        "complete": row["parts"] == COMPLETE,
    }
