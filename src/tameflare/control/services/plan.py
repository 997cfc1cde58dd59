"""The limits of an installation: how many agents, and how many actions in a calendar month (UTC).

Actions are those that the decision API recorded and requests through proxies that got a name; a dry run is none. The
numbers stand in the databases, so that a restart changes nothing. What the decision API records is counted within the
transaction that records it, also where several servers have one database; what proxies report, as it arrives.
"""

from __future__ import annotations

import calendar
import time
from typing import Final, NamedTuple

from tameflare.control.services.context import Context
from tameflare.control.services.faults import Refused, Throttled
from tameflare.control.store import plan
from tameflare.control.store.engine import Connection, Database
from tameflare.control.store.traffic import TrafficStore, tables_of
from tameflare.control.store.traffic_schema import month_table
from tameflare.settings import MAX_ACTIONS, MAX_AGENTS

FRESH_SECONDS: Final = 1.0
"""For so long a look into the record of requests holds."""


class PlanLimitAgents(Refused):
    """As many agents as there may be."""

    def __init__(self, limit: int) -> None:
        super().__init__(
            f"there may be {limit} agents, and there are", "delete or revoke one, or raise TF_MAX_AGENTS",
            code="plan_limit_agents",
        )  # fmt: skip


class PlanLimitActions(Throttled):
    """As many actions as a month may have; `retry_after` is until the next one."""

    code = "plan_limit_actions"

    def __init__(self, limit: int, retry_after: int) -> None:
        super().__init__(f"a month may have {limit} actions, and this one has had them", retry_after)
        self.help = "wait for the first of the month, or raise TF_MAX_ACTIONS_PER_MONTH"


class Month(NamedTuple):
    """A calendar month in UTC, from `begins` until before `ends` (Unix seconds)."""

    name: str
    begins: int
    ends: int


class Plan:
    def __init__(self, context: Context, database: Database, traffic: TrafficStore) -> None:
        self._context = context
        self._traffic = traffic
        self._agents = context.settings.get(MAX_AGENTS)
        self._actions = context.settings.get(MAX_ACTIONS)
        self._proxied = _Proxied("", 0, 0, 0.0)
        if self._actions is None:
            database.write_now(plan.forget)

    @property
    def counts_actions(self) -> bool:
        return self._actions is not None

    def check_agents(self, connection: Connection) -> None:
        """Before one more agent is stored, in the same transaction. Raises PlanLimitAgents."""
        if self._agents is not None and plan.agent_count(connection) >= self._agents:
            raise PlanLimitAgents(self._agents)

    async def look(self) -> None:
        """Bring what is known of proxied requests up to date; before `admit`."""
        month, now = _month(self._context.clock()), self._context.steady()
        known = self._proxied
        if known.month == month.name and now < known.until:
            return
        after, count = (known.last, known.number) if known.month == month.name else (0, 0)
        more, last = await self._traffic.database.read(
            lambda connection: plan.named(tables_of(connection), month_table(month.begins), after)
        )
        self._proxied = _Proxied(month.name, last, count + more, now + FRESH_SECONDS)

    def admit(self, connection: Connection, wanted: int) -> int:
        """How many of so many new actions may be recorded; they count from now on, in this transaction."""
        if self._actions is None or wanted == 0:
            return wanted
        month = _month(self._context.clock())
        before = plan.used(connection, month.name, month.begins)
        proxied = self._proxied.number if self._proxied.month == month.name else 0
        admitted = max(0, min(wanted, self._actions - before - proxied))
        plan.use(connection, month.name, before + admitted)
        return admitted

    def refusal(self) -> PlanLimitActions:
        """For those that `admit` left out."""
        assert self._actions is not None
        now = self._context.clock()
        return PlanLimitActions(self._actions, max(1, int(_month(now).ends - now)))


class _Proxied(NamedTuple):
    """What is known of a month's proxied requests: so many up to row `last`. Holds until the steady clock says so."""

    month: str
    last: int
    number: int
    until: float


def _month(now: float) -> Month:
    found = time.gmtime(now)
    begins = calendar.timegm((found.tm_year, found.tm_mon, 1, 0, 0, 0))
    days = calendar.monthrange(found.tm_year, found.tm_mon)[1]
    return Month(time.strftime("%Y%m", found), begins, begins + days * 86400)
