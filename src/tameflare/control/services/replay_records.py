"""The records that are judged once more: requests through proxies, and actions asked for by the decision API."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any, Final, NamedTuple

import msgspec

from tameflare.control.store import actions, traffic_names
from tameflare.control.store.actions import StoredAction
from tameflare.control.store.engine import Database
from tameflare.control.store.traffic import TrafficStore
from tameflare.control.store.traffic_read import Filter

MOST: Final = 50_000
"""Records that are looked at in one go."""
USUAL: Final = 10_000
_PAGE: Final = 1000
_COLUMNS: Final = (
    *("request_id", "time", "gateway", "agent", "connector", "action", "actions", "reason", "would_be"),
    *("method", "scheme", "host", "port", "path", "content_type", "user_agent"),
)
"""What is needed of a request: there are many of them."""

Row = Mapping[str, Any]


class Wanted(msgspec.Struct, frozen=True):
    """Which records: the `last` ones, of those since a moment (Unix seconds) where one is named, of all gateways or of
    the one of this name."""

    last: int = USUAL
    since: float | None = None
    gateway: str = ""


class Records(NamedTuple):
    """Oldest first; `more` says that there were more than were wanted."""

    requests: Sequence[Row]
    actions: Sequence[StoredAction]
    more: bool = False

    def newest(self, count: int) -> Records:
        """So many of both together."""
        times = sorted([(row["time"], "r") for row in self.requests] + [(one.created_at, "a") for one in self.actions])
        kinds = [kind for _, kind in times[-count:]]
        requests, actions = len(self.requests) - kinds.count("r"), len(self.actions) - kinds.count("a")
        return Records(self.requests[requests:], self.actions[actions:], len(times) > count)


class RecordReader:
    def __init__(self, database: Database, traffic: TrafficStore) -> None:
        self._database = database
        self._traffic = traffic

    async def read(self, wanted: Wanted) -> Records:
        """Raises DatabaseUnavailable."""
        gateways = None
        if wanted.gateway:
            gateways = await self._database.read(partial(traffic_names.gateway_ids, word=wanted.gateway))
        requests = await self._requests(wanted, gateways)
        return Records(requests, await self._actions(wanted, gateways)).newest(wanted.last)

    async def _requests(self, wanted: Wanted, gateways: tuple[str, ...] | None) -> Sequence[Row]:
        """One more than is wanted, to know whether there is."""
        found: list[Row] = []
        before: int | None = None
        chosen = Filter(gateways=gateways, since=wanted.since)
        while (left := wanted.last + 1 - len(found)) > 0:
            page = await self._traffic.newest(chosen, before, min(_PAGE, left))
            if not page:
                break
            found += [{name: row[name] for name in _COLUMNS} for row in page]
            before = page[-1]["id"]
        return found[::-1]

    async def _actions(self, wanted: Wanted, gateways: tuple[str, ...] | None) -> Sequence[StoredAction]:
        found: list[StoredAction] = []
        before: str | None = None
        while len(found) <= wanted.last:
            page = await self._database.read(partial(actions.page, agent_id=None, before=before, limit=_PAGE))
            fresh = [each for each in page if wanted.since is None or each.created_at >= wanted.since]
            found += [each for each in fresh if gateways is None or each.gateway_id in gateways]
            if len(page) < _PAGE or len(fresh) < len(page):
                break
            before = page[-1].id
        return found[: wanted.last + 1][::-1]
