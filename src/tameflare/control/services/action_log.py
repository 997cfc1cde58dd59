"""The durable record of decisions: what is answered to an agent stands in the database first.

Decisions that come while a commit is under way go into the next one together, with one statement: so that a record
costs a fraction of what it would cost alone, and the disk is waited for once for all of them.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Final

from tameflare.control.services.context import Context
from tameflare.control.services.faults import IdempotencyConflict
from tameflare.control.services.plan import Plan, PlanLimitActions
from tameflare.control.store import actions
from tameflare.control.store.actions import StoredAction
from tameflare.control.store.engine import Conflict, Connection, Database, DatabaseUnavailable
from tameflare.core.decision import Reason

KEY_SECONDS: Final = 86400
"""For so long an idempotency key gives the answer that it gave first."""
MAX_TOGETHER: Final = 256
MAX_WAITING: Final = 10_000

_Waiting = tuple[StoredAction, "asyncio.Future[StoredAction]"]


class ActionLog:
    """`plan` says how many actions a month may have."""

    def __init__(self, context: Context, database: Database, plan: Plan) -> None:
        self._context = context
        self._database = database
        self._plan = plan
        self._waiting: list[_Waiting] = []
        self._writer: asyncio.Task[None] | None = None

    async def add(self, action: StoredAction) -> StoredAction:
        """The action once it is on disk; or the earlier one of the same agent and idempotency key.

        Raises IdempotencyConflict where that one was asked with another body, PlanLimitActions, DatabaseUnavailable.
        """
        if len(self._waiting) >= MAX_WAITING:
            raise DatabaseUnavailable("too many decisions wait for the database", "try again in a moment")
        future: asyncio.Future[StoredAction] = asyncio.get_running_loop().create_future()
        self._waiting.append((action, future))
        if self._writer is None:
            self._writer = asyncio.create_task(self._write())
        return settled(await future, action)

    async def _write(self) -> None:
        """Until nothing waits; a fault goes to those whose records it hit."""
        while self._waiting:
            await asyncio.sleep(0)  # what came in the same turn of the loop goes along
            taken, self._waiting = self._waiting[:MAX_TOGETHER], self._waiting[MAX_TOGETHER:]
            await self._write_together(taken)
        self._writer = None

    async def _write_together(self, taken: Sequence[_Waiting]) -> None:
        try:
            await self._look()
            stored = await self._store([action for action, _ in taken])
        except Conflict:
            await self._write_alone(taken)
        except Exception as fault:  # noqa: BLE001 - whatever it was, those who wait get it
            _fail(taken, fault)
        else:
            _answer(taken, stored)

    async def _write_alone(self, taken: Sequence[_Waiting]) -> None:
        """Another server took an idempotency key in between: a second look finds what it stored."""
        for one in taken:
            try:
                _answer([one], await self._store([one[0]]))
            except Exception as fault:  # noqa: BLE001 - as above
                _fail([one], fault)

    async def _look(self) -> None:
        if self._plan.counts_actions:
            await self._plan.look()

    async def _store(self, fresh: Sequence[StoredAction]) -> list[StoredAction | PlanLimitActions]:
        now = self._context.now()
        return await self._database.write(lambda connection: store(connection, fresh, now, self._plan))


def store(
    connection: Connection, fresh: Sequence[StoredAction], now: int, plan: Plan
) -> list[StoredAction | PlanLimitActions]:
    """Store actions; for each the one that stands in the database then, or that the plan has no room for it. Raises
    Conflict."""
    known = _earlier(connection, fresh, now)
    new, answers = [], []
    for action in fresh:
        place = (action.agent_id, action.idempotency_key)
        found = known.get(place) if action.idempotency_key is not None else None
        if found is None:
            found = action
            new.append(action)
            if action.idempotency_key is not None:
                known[place] = action
        answers.append(found)
    limited = [action for action in new if action.reason == Reason.RATE_LIMITED]  # these count towards no month
    counted = [action for action in new if action.reason != Reason.RATE_LIMITED]
    admitted = plan.admit(connection, len(counted))
    actions.add(connection, [*limited, *counted[:admitted]])
    left_out = {action.id for action in counted[admitted:]}
    return [plan.refusal() if action.id in left_out else action for action in answers]


def earlier(connection: Connection, action: StoredAction, now: int) -> StoredAction | None:
    """What its agent asked with the same idempotency key before."""
    return next(iter(_earlier(connection, [action], now).values()), None)


def settled(stored: StoredAction, asked: StoredAction) -> StoredAction:
    """Raises IdempotencyConflict where the key was used for another body, or by an agent key of another kind."""
    if stored.id != asked.id and (stored.body_hash, stored.kind) != (asked.body_hash, asked.kind):
        raise IdempotencyConflict
    return stored


def _earlier(
    connection: Connection, fresh: Sequence[StoredAction], now: int
) -> dict[tuple[str, str | None], StoredAction]:
    """What was asked with the same keys in the last day, by agent and key; older ones lose their key."""
    wanted = [(action.agent_id, action.idempotency_key) for action in fresh if action.idempotency_key is not None]
    if not wanted:
        return {}
    found = {(one.agent_id, one.idempotency_key): one for one in actions.with_keys(connection, wanted)}
    for place, one in list(found.items()):
        if one.created_at <= now - KEY_SECONDS:
            actions.free_key(connection, one.id)
            del found[place]
    return found


def _answer(taken: Sequence[_Waiting], stored: Sequence[StoredAction | PlanLimitActions]) -> None:
    for (_, future), found in zip(taken, stored, strict=True):
        if future.done():
            continue
        if isinstance(found, PlanLimitActions):
            future.set_exception(found)
        else:
            future.set_result(found)


def _fail(taken: Sequence[_Waiting], fault: BaseException) -> None:
    for _, future in taken:
        if not future.done():
            future.set_exception(fault)
