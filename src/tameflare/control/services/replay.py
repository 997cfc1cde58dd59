"""Yesterday's records through other policies: which verdicts would come out differently."""

from __future__ import annotations

import asyncio
from collections import Counter, deque
from collections.abc import Iterable
from typing import Final

import msgspec

from tameflare.control.services.action_judging import Judging
from tameflare.control.services.context import Context
from tameflare.control.services.faults import Throttled
from tameflare.control.services.policy_trials import Candidates, Trials
from tameflare.control.services.replay_cases import Case, Left, Recorded, cases_of_actions, cases_of_requests
from tameflare.control.services.replay_records import RecordReader, Records, Wanted
from tameflare.control.services.replay_verdicts import CANNOT_TELL, judged
from tameflare.core.compile import CompiledConfiguration

RETRY_SECONDS: Final = 10
_SHOWN: Final = 500


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
    are the newest ones. `more`: there are older records that were not looked at."""

    records: int = 0
    more: bool = False
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


class Replay:
    """One at a time: it keeps a processor busy for a while."""

    def __init__(self, context: Context, records: RecordReader, trials: Trials) -> None:
        self._context = context
        self._records = records
        self._trials = trials
        self._busy = asyncio.Lock()

    async def run(self, candidates: Candidates, wanted: Wanted) -> Replayed:
        """Judge stored requests and actions once more: by the present access rules and these policies. Raises
        FaultyPolicies, Throttled."""
        if self._busy.locked():
            raise Throttled("somebody else replays records just now", RETRY_SECONDS)
        async with self._busy:
            configuration = await self._trials.configuration(candidates)
            records = await self._records.read(wanted)
            return await asyncio.to_thread(_replayed, configuration, records, Judging(self._context))


def _replayed(configuration: CompiledConfiguration, records: Records, judging: Judging) -> Replayed:
    result = Replayed(more=records.more)
    _take(result, cases_of_requests(configuration, records.requests))
    _take(result, cases_of_actions(configuration, records.actions, judging))
    result.differences.sort(key=lambda each: each.case.time, reverse=True)
    del result.differences[_SHOWN:]
    return result


def _take(result: Replayed, cases: Iterable[Case | Left]) -> None:
    """Judge the cases of one road, oldest first."""
    differences: deque[Difference] = deque(maxlen=_SHOWN)
    for case in cases:
        result.records += 1
        if isinstance(case, Left):
            result.left_out[case.reason] += 1
            continue
        now = judged(case)
        result.moves[case.was, now.verdict] += 1
        result.needs.update(now.needs)
        if now.verdict not in (case.was, CANNOT_TELL):
            told = Difference(case.recorded, case.was, now.verdict, now.reason, now.message, now.because)
            differences.append(told)
    result.differences += differences
