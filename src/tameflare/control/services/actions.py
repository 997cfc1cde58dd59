"""Actions that agents ask for: decided, recorded before the answer, looked at again, and waited for.

An agent sees its own actions and no other's. `docs/decision-api.md` tells what it is answered.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final, NamedTuple

from msgspec.structs import replace

from tameflare.control.services import action_log, action_totals, audit
from tameflare.control.services.action_approvals import ActionApprovals
from tameflare.control.services.action_explained import explain
from tameflare.control.services.action_ids import ActionIds
from tameflare.control.services.action_judging import Judged, Judging, Place
from tameflare.control.services.action_log import ActionLog
from tameflare.control.services.action_questions import Question
from tameflare.control.services.audit import Actor
from tameflare.control.services.bell import Bell
from tameflare.control.services.context import Context
from tameflare.control.services.decision_tokens import DecisionTokens
from tameflare.control.services.faults import Fault, Invalid, NotFound
from tameflare.control.services.holds import Holds
from tameflare.control.services.plan import Plan
from tameflare.control.services.signing_keys import SigningKeys
from tameflare.control.store import actions, approvals
from tameflare.control.store.actions import TOPIC, StoredAction
from tameflare.control.store.agent_keys import Holder
from tameflare.control.store.approvals import StoredApproval
from tameflare.control.store.engine import Conflict, Connection, Database
from tameflare.core import action_states
from tameflare.core.action import Action
from tameflare.core.action_states import FIRST, TOKEN_SECONDS, ActionStatus
from tameflare.core.agent_keys import KeyKind
from tameflare.core.decision import STRICTNESS, Reason, Verdict
from tameflare.link.held_actions import shown_actions

MAX_PAGE: Final = 200
_TRIES: Final = 2


class Asked(NamedTuple):
    """An action as its agent is answered: with the approval that it waits for, and its token where it has one.

    `replayed`: it was asked for before, with the same idempotency key. `retry_after` in seconds, where too many were.
    """

    action: StoredAction
    approval: StoredApproval | None = None
    token: str | None = None
    replayed: bool = False
    retry_after: int = 0


class Page(NamedTuple):
    """`next` is the cursor of what follows."""

    actions: Sequence[StoredAction]
    next: str | None


class Actions:
    """`close` answers everybody who waits."""

    def __init__(
        self,
        context: Context,
        database: Database,
        holds: Holds,
        tokens: DecisionTokens,
        keys: SigningKeys,
        plan: Plan,
    ) -> None:
        self._context = context
        self._database = database
        self._tokens = tokens
        self._keys = keys
        self._plan = plan
        self._log = ActionLog(context, database, plan)
        self._ids = ActionIds(context)
        self._bell = Bell()
        self.judging = Judging(context)
        self.approvals = ActionApprovals(context, holds)
        database.subscribe(TOPIC, self._bell.ring)

    def close(self) -> None:
        self._bell.close()

    # --- asking

    async def ask(self, place: Place, key: Holder, question: Question, idempotency_key: str | None) -> Asked:
        """Decide, and record it before anybody hears of it. Raises IdempotencyConflict, PlanLimitActions,
        DatabaseUnavailable."""
        judged = self.judging.judge(place, question)
        fresh = self._made(place, key, question, judged, idempotency_key)
        counts = judged.decision.charge_rate and bool(self.judging.adds(place, question))
        if counts or fresh.status is ActionStatus.PENDING_APPROVAL:
            stored = action_log.settled(await self._decide_there(place, question, fresh, counts), fresh)
        else:
            stored = await self._log.add(fresh)
        if stored.id != fresh.id:
            return (await self._answered(stored))._replace(replayed=True)
        _note(stored)
        retry_after = 0
        if stored.reason == Reason.RATE_LIMITED:
            retry_after = self.judging.retry_after(place.agent.id, place.gateway.rate_limit)
        return (await self._answered(stored))._replace(retry_after=retry_after)

    async def _decide_there(self, place: Place, question: Question, fresh: StoredAction, counts: bool) -> StoredAction:
        """The action as it is decided in the transaction that records it: with the running totals that it `counts`
        for, and with the approval that it waits for."""
        new_id = self._context.new_id("apr")
        if self._plan.counts_actions:
            await self._plan.look()

        def work(connection: Connection) -> StoredAction:
            now = self._context.now()
            earlier = action_log.earlier(connection, fresh, now)
            if earlier is not None:
                return earlier
            if not self._plan.admit(connection, 1):
                raise self._plan.refusal()
            sums = action_totals.reserve(connection, self.judging, place, question, fresh.id, now) if counts else None
            judged = self.judging.weigh(place, question, totals=sums)
            decided = _decided(fresh, judged)
            if decided.status is ActionStatus.PENDING_APPROVAL:
                decided = self.approvals.raise_(connection, decided, judged, new_id, now)
            if decided.status is ActionStatus.DENIED:
                action_totals.release(connection, fresh.id, now)
            actions.add(connection, [decided])
            return decided

        for _ in range(_TRIES - 1):
            try:
                return await self._database.write(work)
            except Conflict:  # another server took the idempotency key in between
                continue
        return await self._database.write(work)

    def _made(
        self, place: Place, key: Holder, question: Question, judged: Judged, idempotency_key: str | None
    ) -> StoredAction:
        now = self._context.now()
        return StoredAction(
            id=self._ids.new(),
            gateway_id=place.gateway.id,
            gateway=place.gateway.name,
            agent_id=place.agent.id,
            agent=place.agent.name,
            key_id=key.id,
            kind=key.kind,
            type=question.type,
            **_said(question, judged),
            spec_hash=question.spec_hash,
            body_hash=question.body_hash,
            webhook_url=question.webhook_url,
            configuration=place.configuration.version,
            created_at=now,
            changed_at=now,
            idempotency_key=idempotency_key,
            **_verdict(judged, now),
        )

    async def explain(self, place: Place, question: Question) -> dict[str, Any]:
        """What would be decided now, and why. Records nothing and counts towards nothing."""
        now = self._context.clock()
        sums = None
        if self.judging.adds(place, question):
            sums = await self._database.read(
                lambda connection: action_totals.foresee(connection, self.judging, place, question, int(now))
            )
        return explain(self.judging, place, question, now, sums)

    # --- looking

    async def get(self, agent_id: str, kind: KeyKind, action_id: str, wait: float = 0) -> Asked:
        """An agent's own action; while it waits for people, as soon as they have answered or after `wait` seconds.

        A test key is not told the token of what a live one asked for. Raises NotFound, also for those of others.
        """
        deadline = self._context.steady() + wait
        while True:
            rings = self._bell.rings
            found = await self._database.read(lambda connection: actions.of_agent(connection, agent_id, action_id))
            if found is None:
                raise NotFound("action", action_id[:64])
            remaining = deadline - self._context.steady()
            waits = found.status is ActionStatus.PENDING_APPROVAL and remaining > 0
            if not waits or not await self._bell.wait(rings, remaining):
                asked = await self._answered(found)
                return asked._replace(token=None) if kind is KeyKind.TEST and found.kind is KeyKind.LIVE else asked

    async def page(self, agent_id: str, limit: int, cursor: str | None, status: ActionStatus | None = None) -> Page:
        """An agent's own actions, newest first. Raises Invalid for a cursor that no list gave."""
        return await self._page(limit, cursor, agent_id=agent_id, status=status)

    async def asked(
        self, limit: int, cursor: str | None, gateway: str | None, agent: str | None, status: ActionStatus | None
    ) -> Page:
        """Those of all agents, as people may see them: what is secret masked. Raises as `page`."""
        page = await self._page(limit, cursor, gateway=gateway, agent=agent, status=status)
        return Page([self._masked(action) for action in page.actions], page.next)

    async def _page(self, limit: int, cursor: str | None, **wanted: str | None) -> Page:
        if cursor is not None and not (cursor.startswith("act_") and cursor.isascii()):
            raise Invalid([Fault("cursor", "this is no cursor", "take `next_cursor` of the page before")])
        found = await self._database.read(lambda connection: actions.page(connection, cursor, limit, **wanted))
        now = self._context.now()
        shown = [action_states.expire(action, now) for action in found]
        return Page(shown, found[-1].id if len(found) == limit else None)

    def _masked(self, action: StoredAction) -> StoredAction:
        plain = Action(action.type, action.resource, action.parameters)
        (shown,) = shown_actions([plain], self.approvals.sensitive)
        return replace(action, resource=shown.resource, parameters=shown.parameters)

    async def _answered(self, action: StoredAction) -> Asked:
        action = action_states.expire(action, self._context.now())
        token = None
        if action.status in action_states.READY:
            token = self._tokens.minted(await self._keys.ring(), action)
        approval = None
        if action.approval_id is not None:
            wanted = action.approval_id
            approval = await self._database.read(lambda connection: approvals.by_id(connection, wanted))
        return Asked(action, approval, token)


def _said(question: Question, judged: Judged) -> dict[str, Any]:
    """What was asked for, by the names of its fields; nothing of what came over the rate, which would fill the disk."""
    if judged.decision.reason is Reason.RATE_LIMITED:
        return {"resource": {}, "parameters": {}, "risk_hints": {}}
    return {"resource": question.resource, "parameters": question.parameters, "risk_hints": question.risk_hints}


def _verdict(judged: Judged, now: int) -> dict[str, Any]:
    """What the verdict says of an action, by the names of its fields."""
    decision = judged.decision
    return {
        "connector": judged.connector,
        "risk": judged.action.risk.value,
        "effect": judged.action.effect.value,
        "status": FIRST[decision.verdict],
        "decision": decision.verdict,
        "would_be": decision.would_be,
        "enforced": STRICTNESS[decision.verdict] >= STRICTNESS[decision.would_be],
        "reason": decision.reason.value,
        "message": decision.message,
        "risk_score": judged.risk_score,
        "matched": decision.matched,
        "expires_at": now + TOKEN_SECONDS if decision.verdict is Verdict.ALLOW else None,
    }


def _decided(action: StoredAction, judged: Judged) -> StoredAction:
    return replace(action, **_verdict(judged, action.created_at))


def _note(action: StoredAction) -> None:
    audit.record(
        f"action.{action.status.value}",
        Actor(action.agent_id, action.agent),
        action=action.id,
        gateway=action.gateway,
        type=action.type,
        reason=action.reason,
    )


def shown_groups(approval: StoredApproval) -> list[str]:
    """The groups of which people must agree."""
    parts = approval.state.requirement.parts
    return list(dict.fromkeys(group for part in parts for group in part.groups))
