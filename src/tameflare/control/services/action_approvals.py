"""Actions that wait for people: raised as approvals, let go or refused once those are answered.

An approval of this road is bound to the agent, the connector and the hash of the action. Whoever asks again for the
same joins what is open; an approval is good for one of them, the newest. `docs/approvals.md` has the states.
"""

from __future__ import annotations

import hashlib
from collections.abc import Collection
from typing import Final

from msgspec.structs import replace

from tameflare.control.services import approval_changes as changes
from tameflare.control.services.action_judging import Judged
from tameflare.control.services.context import Context
from tameflare.control.services.holds import Holds
from tameflare.control.store import actions, approvals, meta
from tameflare.control.store.actions import StoredAction
from tameflare.control.store.approvals import StoredApproval
from tameflare.control.store.engine import Connection
from tameflare.core import action_states, approval_states
from tameflare.core.action import Action
from tameflare.core.action_states import ActionStatus
from tameflare.core.agent_keys import KeyKind
from tameflare.core.approval import ANYBODY, Requirement
from tameflare.core.approval_states import Asker, Standing, Status
from tameflare.core.decision import Verdict
from tameflare.link.approvals import DECISION_API, DECISION_API_TEST, Held, Raise
from tameflare.link.held_actions import is_cut, masked, shown_actions, together
from tameflare.settings import SENSITIVE_QUERY

LIFE_SECONDS: Final = 86400
"""An approval of this road lives so long where its rule does not say."""


class ActionApprovals:
    def __init__(self, context: Context, holds: Holds) -> None:
        self._context = context
        self._holds = holds
        self.sensitive = _names(context)

    def raise_(
        self, connection: Connection, asked: StoredAction, judged: Judged, new_id: str, now: int
    ) -> StoredAction:
        """The action with the approval that it waits for, or denied where people cannot be asked."""
        requirement = judged.decision.requirement or ANYBODY
        held = _held(asked, judged.action, self.sensitive)
        wish = Raise(asked.id, held, requirement, asked.configuration, float(LIFE_SECONDS))
        answer = self._holds.join(connection, _asker(asked), wish, new_id, now)
        waiting = replace(asked, approval_id=answer.approval or None)
        if answer.standing is Standing.REFUSED:
            refused = action_states.deny(waiting, answer.reason, answer.message, now)
            return replace(refused, decision=Verdict.DENY)
        return waiting

    def release(
        self, connection: Connection, action_id: str, judged: Judged, configuration: int, now: int
    ) -> StoredAction | None:
        """What becomes of an action whose approval was answered; `judged` is what is said of it on the newest
        configuration, `configuration` its version. None: that is no longer the newest."""
        action = actions.by_id(connection, action_id)
        stored = approvals.by_id(connection, action.approval_id) if action and action.approval_id else None
        if action is None or stored is None or action.status is not ActionStatus.PENDING_APPROVAL:
            return action
        if configuration < meta.version(connection).number:
            return None
        after = _released(connection, action, stored, judged, configuration, now)
        if after != action:
            actions.put(connection, after)
        return after


def end(connection: Connection, action: StoredAction, done: bool, message: str, now: int) -> None:
    """Have the approval of an action tell how it ended; call it in the transaction that settles the action."""
    stored = approvals.by_id(connection, action.approval_id) if action.approval_id else None
    if stored is None or not _asker(action).is_same(stored.state.taken):
        return
    unknown = (action.outcome or {}).get("code") == action_states.OUTCOME_UNKNOWN
    status = Status.UNKNOWN if unknown else (Status.EXECUTED if done else Status.FAILED)
    changes.apply(connection, stored, approval_states.settle(stored.state, status, message), now)


def _released(
    connection: Connection, action: StoredAction, stored: StoredApproval, judged: Judged, configuration: int, now: int
) -> StoredAction:
    asker, decision = _asker(action), judged.decision
    if stored.state.is_open and decision.verdict is Verdict.DENY:
        refused = approval_states.refuse(stored.state, decision.reason, decision.message, now)
        changes.apply(connection, stored, refused, now)
        return action_states.deny(action, decision.reason.value, decision.message, now)
    required = decision.requirement or stored.state.requirement
    state, standing = _consumed(connection, stored, asker, required, configuration, now)
    changes.apply(connection, stored, state, now)
    if standing is Standing.RELEASED:
        return action_states.approve(action, now)
    if standing is Standing.PENDING:
        return action
    reason, message = approval_states.refusal(state)
    if state.status is Status.EXPIRED:
        return action_states.lapse(action, message, now)
    return action_states.deny(action, reason.value, message, now)


def _consumed(
    connection: Connection,
    stored: StoredApproval,
    asker: Asker,
    required: Requirement,
    configuration: int,
    now: int,
) -> tuple[approval_states.Approval, Standing]:
    people = changes.people(connection)
    return approval_states.consume(stored.state, asker, required, configuration, configuration, people, now)


def _asker(action: StoredAction) -> Asker:
    return Asker(DECISION_API, action.id)


def _held(asked: StoredAction, action: Action, sensitive: Collection[str]) -> Held:
    """What people are shown: the action as it is judged, with what is secret masked. There is no request yet."""
    actions = shown_actions([action], sensitive)
    return Held(
        digest=_digest(asked),
        gateway=asked.gateway_id,
        agent=asked.agent_id,
        token=asked.key_id,
        run="",
        connector=asked.connector,
        actions=actions,
        method="",
        scheme=DECISION_API if asked.kind is KeyKind.LIVE else DECISION_API_TEST,
        host="",
        port=0,
        path="",
        content_type="",
        body_sha256=asked.spec_hash,
        body_size=0,
        unshown=together(
            "long values are cut" if is_cut([(each.resource, each.parameters) for each in actions]) else "",
            masked([action], actions),
        ),
    )


def _digest(asked: StoredAction) -> str:
    """What an answer is bound to, each part with its length before it."""
    found = hashlib.sha256(b"tameflare action request v1")
    for part in (asked.gateway_id, asked.agent_id, asked.connector, asked.kind.value, asked.spec_hash):
        found.update(len(part).to_bytes(8, "big"))
        found.update(part.encode())
    return found.hexdigest()


def _names(context: Context) -> frozenset[str]:
    """Names whose values are masked, as the proxy masks them."""
    listed = context.settings.get(SENSITIVE_QUERY).split(",")
    return frozenset(name.strip().lower() for name in listed if name.strip())
