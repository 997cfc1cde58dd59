"""Yesterday's records through other policies: which verdicts would come out differently."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Iterator, Sequence
from functools import partial
from typing import Final, NamedTuple

import msgspec

from tameflare.control.services.action_judging import Judging
from tameflare.control.services.context import Context
from tameflare.control.services.policy_trials import Candidates, Trials
from tameflare.control.services.replay_cases import Case, Left, Recorded, cases_of_actions, cases_of_requests
from tameflare.control.services.replay_verdicts import CANNOT_TELL, judged
from tameflare.control.store import actions, traffic_names
from tameflare.control.store.actions import StoredAction
from tameflare.control.store.engine import Database
from tameflare.control.store.traffic import TrafficStore
from tameflare.control.store.traffic_read import Filter, Found
from tameflare.core.compile import CompiledConfiguration

MOST: Final = 100_000
"""Records that are looked at in one go."""
_PAGE: Final = 1000
_SHOWN: Final = 500


class Wanted(msgspec.Struct, frozen=True):
    """Which records: the `last` ones, of those since a moment (Unix seconds) where one is named, of all gateways or of
    the one of this name."""

    last: int = MOST
    since: float | None = None
    gateway: str = ""


class Difference(msgspec.Struct, frozen=True):
    """One record whose verdict would be another. `was` is what rules and policies said then, whatever the level;
    `because` names what determines the new one."""

    case: Recorded
    was: str
    becomes: str
    reason: str
    message: str
    because: tuple[str, ...]


class Replayed(msgspec.Struct):
    """`moves` counts pairs of old and new verdict. `needs` counts, by policy rule and field, what records lack.
    `left_out` counts, by reason, records that rules and policies did not decide, or whose agent is gone. `differences`
    are the newest ones."""

    records: int = 0
    moves: Counter[tuple[str, str]] = msgspec.field(default_factory=Counter)
    needs: Counter[tuple[str, str]] = msgspec.field(default_factory=Counter)
    left_out: Counter[str] = msgspec.field(default_factory=Counter)
    differences: list[Difference] = msgspec.field(default_factory=list)

    @property
    def changed(self) -> int:
        return sum(count for (was, becomes), count in self.moves.items() if becomes not in (was, CANNOT_TELL))

    @property
    def unchanged(self) -> int:
        return sum(count for (was, becomes), count in self.moves.items() if was == becomes)

    @property
    def cannot_tell(self) -> int:
        return sum(count for (_, becomes), count in self.moves.items() if becomes == CANNOT_TELL)


class Records(NamedTuple):
    """Oldest first."""

    requests: Sequence[Found]
    actions: Sequence[StoredAction]

    def newest(self, count: int) -> Records:
        """So many of both together."""
        times = sorted([(row["time"], "r") for row in self.requests] + [(one.created_at, "a") for one in self.actions])
        kinds = [kind for _, kind in times[-count:]]
        requests, actions = len(self.requests) - kinds.count("r"), len(self.actions) - kinds.count("a")
        return Records(self.requests[requests:], self.actions[actions:])


class Replay:
    def __init__(self, context: Context, database: Database, traffic: TrafficStore, trials: Trials) -> None:
        self._context = context
        self._database = database
        self._traffic = traffic
        self._trials = trials

    async def run(self, candidates: Candidates, wanted: Wanted) -> Replayed:
        """Judge stored requests and actions once more: by the present access rules and these policies. Raises
        FaultyPolicies."""
        configuration = await self._trials.configuration(candidates)
        gateways = None
        if wanted.gateway:
            gateways = await self._database.read(
                lambda connection: traffic_names.gateway_ids(connection, wanted.gateway)
            )
        records = Records(await self._requests(wanted, gateways), await self._actions(wanted, gateways))
        newest = records.newest(wanted.last)
        return await asyncio.to_thread(_replayed, configuration, newest, Judging(self._context))

    async def _requests(self, wanted: Wanted, gateways: tuple[str, ...] | None) -> Sequence[Found]:
        found: list[Found] = []
        before: int | None = None
        while len(found) < wanted.last:
            page = await self._traffic.newest(
                Filter(gateways=gateways, since=wanted.since), before, min(_PAGE, wanted.last - len(found))
            )
            if not page:
                break
            found += page
            before = page[-1]["id"]
        return found[::-1]

    async def _actions(self, wanted: Wanted, gateways: tuple[str, ...] | None) -> Sequence[StoredAction]:
        found: list[StoredAction] = []
        before: str | None = None
        while len(found) < wanted.last:
            page = await self._database.read(partial(actions.page, agent_id=None, before=before, limit=_PAGE))
            fresh = [each for each in page if wanted.since is None or each.created_at >= wanted.since]
            found += [each for each in fresh if gateways is None or each.gateway_id in gateways]
            if len(page) < _PAGE or len(fresh) < len(page):
                break
            before = page[-1].id
        return found[: wanted.last][::-1]


def _replayed(configuration: CompiledConfiguration, records: Records, judging: Judging) -> Replayed:
    result = Replayed()
    for case in _cases(configuration, records, judging):
        result.records += 1
        if isinstance(case, Left):
            result.left_out[case.reason] += 1
            continue
        now = judged(case)
        result.moves[case.was, now.verdict] += 1
        result.needs.update(now.needs)
        if now.verdict not in (case.was, CANNOT_TELL):
            result.differences.append(
                Difference(case.recorded, case.was, now.verdict, now.reason, now.message, now.because)
            )
    result.differences.sort(key=lambda each: each.case.time, reverse=True)
    del result.differences[_SHOWN:]
    return result


def _cases(configuration: CompiledConfiguration, records: Records, judging: Judging) -> Iterator[Case | Left]:
    yield from cases_of_requests(configuration, records.requests)
    yield from cases_of_actions(configuration, records.actions, judging)
