"""What becomes of actions by themselves: let go or refused when people have answered, ended when time is over."""

from __future__ import annotations

from typing import Final

import structlog

from tameflare.connectors import asked
from tameflare.control.services import action_approvals, action_totals, audit
from tameflare.control.services.action_judging import Judged, Place
from tameflare.control.services.action_questions import Question
from tameflare.control.services.actions import Actions
from tameflare.control.services.audit import Actor
from tameflare.control.services.compiled import Compiled
from tameflare.control.services.context import Context
from tameflare.control.store import actions
from tameflare.control.store.actions import StoredAction
from tameflare.control.store.engine import Connection, Database, DatabaseUnavailable
from tameflare.core.action_states import ActionStatus
from tameflare.core.compile import CompiledConfiguration
from tameflare.core.decision import Decision, Reason, Verdict
from tameflare.core.token import SKEW

_log = structlog.get_logger("tameflare.control")

MOST: Final = 100
"""Actions that one transaction ends at most, so that decisions do not wait for it."""
_GONE: Final = Decision(Verdict.DENY, Reason.UNAUTHENTICATED, "the agent is suspended, revoked or gone")


class Release:
    def __init__(self, context: Context, database: Database, compiled: Compiled, asking: Actions) -> None:
        self._context = context
        self._database = database
        self._compiled = compiled
        self._asking = asking

    async def release(self) -> int:
        """Go on with every action whose approval was answered; with how many it went. Raises DatabaseUnavailable."""
        found = await self._database.read(lambda connection: actions.answered(connection, MOST))
        return sum([await self._try(action) for action in found])

    async def _try(self, action: StoredAction) -> bool:
        """One that fails keeps none behind it waiting; it is tried again later."""
        try:
            await self._release(action)
        except DatabaseUnavailable:
            raise
        except Exception as fault:  # noqa: BLE001 - whatever it was, the others go on
            _log.error("action.not_released", action=action.id, fault=type(fault).__name__)
            return False
        return True

    async def _release(self, action: StoredAction) -> None:
        """Judged again on the newest configuration, which must still be the newest when it is let go."""
        after = await self._step(action)
        while after is None:
            after = await self._step(action)
        if after.status is not ActionStatus.PENDING_APPROVAL:
            _note(after)

    async def _step(self, action: StoredAction) -> StoredAction | None:
        """None: the configuration changed meanwhile."""
        configuration = await self._compiled.get()

        def work(connection: Connection) -> StoredAction | None:
            now = self._context.now()
            judged = self._judged_again(connection, action, configuration, now)
            after = self._asking.approvals.release(connection, action.id, judged, configuration.version, now)
            if after is not None and after.status in (ActionStatus.DENIED, ActionStatus.EXPIRED):
                action_totals.release(connection, action.id, now)
            return after

        return await self._database.write(work)

    def _judged_again(
        self, connection: Connection, action: StoredAction, configuration: CompiledConfiguration, now: int
    ) -> Judged:
        """What is said of it today; its rate was charged when it was asked for."""
        gateway = configuration.gateways.get(action.gateway_id)
        agent = gateway.agents_by_id.get(action.agent_id) if gateway is not None else None
        if gateway is None or agent is None or not agent.active:
            plain = asked.action(action.type, action.resource, action.parameters)
            return Judged(plain, action.connector, _GONE)
        place, question, judging = Place(configuration, gateway, agent), _question(action), self._asking.judging
        sums = action_totals.reserve(connection, judging, place, question, action.id, now)
        return judging.weigh(place, question, totals=sums)

    async def expire(self) -> int:
        """End what nobody carried out in time, a bounded number of them; how many. Raises DatabaseUnavailable.

        Their tokens are accepted for a little longer than they say, since clocks differ.
        """

        def work(connection: Connection) -> int:
            now = self._context.now() - SKEW
            action_totals.end_due(connection, now, MOST, self._context.now())
            for action in actions.due_approved(connection, now, MOST):
                action_approvals.end(connection, action, False, "the agent did not use it in time", now)
            return actions.expire_due(connection, now, MOST)

        due = await self._database.read(actions.next_end)
        if due is None or due > self._context.now() - SKEW:
            return 0
        return await self._database.write(work)


def _question(action: StoredAction) -> Question:
    return Question(
        action.type,
        action.resource,
        action.parameters,
        action.risk_hints,
        action.connector,
        action.webhook_url,
        action.spec_hash,
        action.body_hash,
    )


def _note(action: StoredAction) -> None:
    audit.record(
        f"action.{action.status.value}",
        Actor(action.agent_id, action.agent),
        action=action.id,
        gateway=action.gateway,
        type=action.type,
        reason=action.reason,
        approval=action.approval_id,
    )
