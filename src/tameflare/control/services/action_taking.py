"""What happens to an action when somebody takes it to carry it out, and when it is known how that went."""

from __future__ import annotations

from typing import Any

from msgspec.structs import replace

from tameflare.control.services import action_approvals, totals
from tameflare.control.store import actions
from tameflare.control.store import totals as total_rows
from tameflare.control.store.actions import StoredAction
from tameflare.control.store.engine import Connection
from tameflare.control.store.totals import State
from tameflare.core import action_states
from tameflare.core.action_states import OUTCOME_UNKNOWN
from tameflare.core.killswitch import KillSwitch, ScopeKind


def taken(action: StoredAction, now: int) -> StoredAction:
    """The action in the hands of whoever used its token; it cannot expire any more."""
    return replace(action, taken_at=now, expires_at=None)


def settle(
    connection: Connection, action: StoredAction, done: bool, outcome: dict[str, Any], now: int, *, counts: bool
) -> StoredAction:
    """Note how an action that was taken has ended, for its agent, for the people who agreed to it, and in the running
    totals that it was counted for when it was decided: there it `counts` for good, or no more."""
    after = action_states.settle(action, done, outcome, now)
    if after is action:
        return action
    actions.put(connection, after)
    action_approvals.end(connection, after, done, str(outcome.get("message", "")), now)
    if total_rows.state_of(connection, totals.API, action.id) is State.OPEN:
        (totals.count if counts else totals.release)(connection, totals.API, action.id, now)
    return after


def lose(connection: Connection, action: StoredAction, message: str, now: int) -> StoredAction:
    """It was taken, and nobody will tell how it went."""
    if action_states.lose(action, message, now) is action:
        return action
    return settle(connection, action, False, {"code": OUTCOME_UNKNOWN, "message": message}, now, counts=True)


def stops(switch: KillSwitch, action: StoredAction) -> bool:
    """Whether a kill switch stops this action."""
    targets = {
        ScopeKind.ALL: "",
        ScopeKind.GATEWAY: action.gateway,
        ScopeKind.CONNECTOR: action.connector,
        ScopeKind.AGENT: action.agent_id,
    }
    return switch.target == targets[switch.kind]
