"""What happens to an action when somebody takes it to carry it out, and when it is known how that went."""

from __future__ import annotations

from msgspec.structs import replace

from tameflare.control.services import totals
from tameflare.control.store import totals as total_rows
from tameflare.control.store.actions import StoredAction
from tameflare.control.store.engine import Connection
from tameflare.control.store.totals import State
from tameflare.core.killswitch import KillSwitch, ScopeKind


def taken(action: StoredAction, now: int) -> StoredAction:
    """The action in the hands of whoever used its token; it cannot expire any more."""
    return replace(action, taken_at=now, expires_at=None)


def end_count(connection: Connection, action_id: str, counts: bool, now: int) -> None:
    """Whether an action counts for good in the running totals that it was counted for when it was decided."""
    if total_rows.state_of(connection, totals.API, action_id) is State.OPEN:
        (totals.count if counts else totals.release)(connection, totals.API, action_id, now)


def stops(switch: KillSwitch, action: StoredAction) -> bool:
    """Whether a kill switch stops this action."""
    targets = {
        ScopeKind.ALL: "",
        ScopeKind.GATEWAY: action.gateway,
        ScopeKind.CONNECTOR: action.connector,
        ScopeKind.AGENT: action.agent_id,
    }
    return switch.target == targets[switch.kind]
