"""What records tell of executions whose proxy could not tell it itself: it was killed, or did not reach the server."""

from __future__ import annotations

from typing import Final

from tameflare.control.services.approval_outcomes import MAY_HAVE_GONE
from tameflare.control.services.context import Context
from tameflare.control.services.execution_jobs import settle_by
from tameflare.control.store import executions
from tameflare.control.store.engine import Connection, Database
from tameflare.control.store.traffic import Delivery
from tameflare.core.reasons import MEANING
from tameflare.link.executions import Carried
from tameflare.link.messages import Outcome

_MEANING: Final = {reason.value: sentence for reason, sentence in MEANING.items()}


class ExecutionRecords:
    """A row of an execution is left to the proxy, which tells more than a record does; only the action is settled."""

    def __init__(self, context: Context, database: Database) -> None:
        self._context = context
        self._database = database

    async def take(self, delivery: Delivery) -> None:
        """Note what a delivery tells. Called before the delivery is stored, and once more where that fails."""
        outcomes = delivery.rows.outcomes
        if not outcomes:
            return
        untold = await self._database.read(lambda connection: executions.untold(connection, delivery.proxy))
        if any(execution.request_id in outcomes for execution in untold):
            await self._database.write(lambda connection: self._note(connection, delivery))

    def _note(self, connection: Connection, delivery: Delivery) -> None:
        for execution in executions.untold(connection, delivery.proxy):
            outcome = delivery.rows.outcomes.get(execution.request_id or "")
            if outcome is not None:
                settle_by(connection, execution, _told(outcome), self._context.now())


def _told(outcome: Outcome) -> Carried:
    reason = outcome.reason
    sent = bool(outcome.status) or reason in MAY_HAVE_GONE
    message = _MEANING.get(reason, "")
    return Carried(outcome.request_id, sent, reason, message, outcome.status, latency_us=outcome.latency_us)
