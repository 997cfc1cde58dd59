"""What every change of an approval brings along, in its own transaction: the row, and the word to the proxies."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Final, TypeVar

import msgspec

from tameflare.control.services import audit
from tameflare.control.services.audit import SERVER, Actor
from tameflare.control.store import approvals, feed, groups, meta, users
from tameflare.control.store.approvals import StoredApproval
from tameflare.control.store.engine import Connection, after_commit
from tameflare.control.store.users import UserStatus
from tameflare.core import approval_states as states
from tameflare.core.approval_states import Approval, Status
from tameflare.core.killswitch import MESSAGE, KillSwitch, ScopeKind
from tameflare.core.voting import Person
from tameflare.link.approvals import DECISION_API
from tameflare.link.messages import ApprovalAnswered

T = TypeVar("T")
_EVENTS: Final = {
    Status.APPROVED: "approval.approved",
    Status.DENIED: "approval.denied",
    Status.EXPIRED: "approval.expired",
    Status.RELEASED: "approval.released",
    Status.EXECUTED: "approval.executed",
    Status.FAILED: "approval.failed",
    Status.UNKNOWN: "approval.outcome_unknown",
    Status.PENDING: "approval.reopened",
}


def people(connection: Connection) -> list[Person]:
    """Everybody with an account, as the state machine knows them."""
    memberships = groups.of_everybody(connection)
    return [
        Person(user.id, user.role, user.status is UserStatus.ACTIVE, memberships.get(user.id, ()))
        for user in users.listed(connection)
    ]


def apply(
    connection: Connection,
    before: StoredApproval,
    state: Approval,
    now: int,
    voters: Mapping[str, str] | None = None,
    actor: Actor = SERVER,
) -> StoredApproval:
    """Store what became of an approval. Proxies at which somebody waits hear of an answer; `voters` are names by id."""
    if state == before.state:
        return before
    changed = msgspec.structs.replace(before, state=state, voters={**before.voters, **(voters or {})})
    stored = approvals.put(connection, changed, now)
    if not before.revision:
        _note(connection, "approval.raised", actor, stored)
    if state.status is not before.state.status:
        _tell(connection, before.state, state, now)
        _note(connection, _EVENTS[state.status], actor, stored, reason=state.message)
    return stored


def _note(connection: Connection, event: str, actor: Actor, stored: StoredApproval, **more: str) -> None:
    """An audit line, if the change is committed."""
    details = {"approval": stored.state.id, "gateway": stored.gateway, "agent": stored.agent, **more}
    after_commit(connection, lambda: audit.record(event, actor, **details))


def _tell(connection: Connection, before: Approval, state: Approval, now: int) -> None:
    verdict = states.told(before, state)
    if verdict is None:
        return
    version = meta.version(connection).number
    message = ApprovalAnswered(state.id, verdict, state.reason, state.message, version)
    for proxy in states.waiting_proxies(state):
        if proxy == DECISION_API:
            continue  # it waits here, and not at a proxy: services/action_release.py looks itself
        feed.append(connection, msgspec.json.encode(message), now, proxy)


def each(
    connection: Connection, found: list[StoredApproval], step: Callable[[Approval], Approval], now: int
) -> list[StoredApproval]:
    """Take a step with each of them; those that it changed."""
    changed = [(stored, step(stored.state)) for stored in found]
    return [apply(connection, stored, state, now) for stored, state in changed if state != stored.state]


def stop(connection: Connection, switch: KillSwitch, now: int) -> None:
    """Deny whatever is open and fits a kill switch that is being thrown, in the same transaction."""
    message = f"{MESSAGE}: {switch.reason}" if switch.reason else MESSAGE
    fitting = [stored for stored in approvals.opened(connection) if fits(switch, stored)]
    each(connection, fitting, lambda state: states.stop(state, message, now), now)


def fits(switch: KillSwitch, stored: StoredApproval) -> bool:
    targets = {
        ScopeKind.ALL: "",
        ScopeKind.GATEWAY: stored.gateway,
        ScopeKind.CONNECTOR: stored.state.connector,
        ScopeKind.AGENT: stored.state.agent,
    }
    return targets[switch.kind] == switch.target
