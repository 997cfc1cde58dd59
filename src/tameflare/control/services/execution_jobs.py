"""Executions as proxies see them: fetched, claimed by one, told; and the end of those that nobody will tell."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

import msgspec

from tameflare.control.services import audit, totals
from tameflare.control.services.action_taking import lose, settle, taken
from tameflare.control.services.audit import SERVER
from tameflare.control.services.context import Context
from tameflare.control.services.decision_tokens import DecisionTokens, Way
from tameflare.control.services.faults import NotFound, Refused
from tameflare.control.services.vault import Place, Vault
from tameflare.control.store import actions, approvals, executions, proxies
from tameflare.control.store import totals as total_rows
from tameflare.control.store.engine import Connection, Database
from tameflare.control.store.executions import Execution, Stage
from tameflare.control.store.proxies import Proxy
from tameflare.core.action_states import OUTCOME_UNKNOWN
from tameflare.core.errors import TameFlareError
from tameflare.core.token import TokenRefused
from tameflare.link.executions import Carried, Claim, Claimed, Job
from tameflare.settings import EXECUTE_TIMEOUT

LOST: Final = "the gateway began, and nobody knows whether the upstream did it: look there"
_BELIEVED: Final = 86400
"""Seconds for which an outcome that comes late is believed."""


class Jobs:
    """Each is for the proxies that serve its gateway, and for no other."""

    def __init__(self, context: Context, database: Database, vault: Vault, tokens: DecisionTokens) -> None:
        self._context = context
        self._database = database
        self._vault = vault
        self._tokens = tokens
        self._seconds = context.settings.get(EXECUTE_TIMEOUT)
        self._heard: dict[str, str] = {}

    async def fetch(self, proxy: Proxy, execution_id: str) -> Job:
        """Raises NotFound where there is nothing to do, or not for this proxy."""
        return await self._database.read(lambda connection: self._job(connection, proxy, execution_id))

    def _job(self, connection: Connection, proxy: Proxy, execution_id: str) -> Job:
        found = _served(connection, proxy, execution_id)
        action = actions.by_id(connection, found.action_id)
        if action is None or found.status is not Stage.QUEUED:
            raise NotFound("execution", execution_id[:64])
        approval = approvals.by_id(connection, action.approval_id) if action.approval_id else None
        return Job(
            job=found.id,
            gateway=action.gateway_id,
            agent=action.agent_id,
            connector=action.connector,
            type=action.type,
            resource=action.resource,
            parameters=action.parameters,
            configuration=found.configuration,
            seconds=self._seconds,
            approval=action.approval_id or "",
            agreed=approval.state.requirement if approval is not None else None,
            counted={
                name: (amount, total_rows.seen(connection, name, self._context.now()))
                for name, amount in total_rows.entries_of(connection, totals.API, action.id).items()
            },
        )

    async def claim(self, proxy: Proxy, execution_id: str, asked_for: Claim) -> Claimed:
        """One proxy gets it, and with it the token is used up and the action taken. Raises NotFound."""

        def work(connection: Connection) -> Claimed:
            found = _served(connection, proxy, execution_id)
            if (found.proxy_id, found.request_id) == (proxy.id, asked_for.request_id):
                return Claimed(found.status is Stage.CLAIMED)
            if not executions.claim(connection, found.id, proxy.id, asked_for.request_id, asked_for.epoch):
                return Claimed(False, "another proxy has it")
            self._take(connection, found)
            return Claimed(True)

        try:
            return await self._database.write(work)
        except (TokenRefused, Refused) as fault:
            await self._give_up(execution_id, fault)
            return Claimed(False, fault.message)

    def _take(self, connection: Connection, execution: Execution) -> None:
        """Raises TokenRefused where the action may be carried out no longer."""
        action = actions.by_id(connection, execution.action_id)
        if action is None:
            raise TokenRefused("unknown_action", "the action is no longer on record")
        self._tokens.check_open(connection, action)
        self._tokens.burn(connection, action, Way.EXECUTE)
        actions.put(connection, taken(action, self._context.now()))

    async def _give_up(self, execution_id: str, fault: TameFlareError) -> None:
        """Whoever waits learns why nobody got it."""
        refusal = Carried("", False, fault.code, fault.message)

        def work(connection: Connection) -> None:
            found = executions.by_id(connection, execution_id)
            if found is not None and found.status is Stage.QUEUED:
                executions.finish(connection, found.id, self._sealed(found, refusal))

        await self._database.write(work)

    async def tell(self, proxy: Proxy, execution_id: str, carried: Carried) -> None:
        """How it went, from the proxy that claimed it; or why no proxy will. Raises NotFound."""

        def work(connection: Connection) -> None:
            found = _served(connection, proxy, execution_id)
            if found.status is Stage.QUEUED and not carried.sent:
                executions.finish(connection, found.id, self._sealed(found, carried))
            elif (found.proxy_id, found.request_id) == (proxy.id, carried.request_id):
                self._settle(connection, found, carried)

        await self._database.write(work)

    def _settle(self, connection: Connection, execution: Execution, carried: Carried) -> None:
        settle_by(connection, execution, carried, self._context.now())
        if execution.status is Stage.CLAIMED:
            executions.finish(connection, execution.id, self._sealed(execution, carried))

    # --- the end of what nobody will tell

    async def expire(self) -> int | None:
        """End what is over its deadline; Unix seconds when the next one will be, if there is any."""

        def work(connection: Connection) -> tuple[list[str], int | None]:
            lost = self._lose(connection, executions.overdue(connection, self._context.now()))
            return lost, executions.next_deadline(connection)

        lost, due = await self._database.write(work)
        _note_lost(lost)
        return due

    async def hear(self, proxy: Proxy, epoch: str) -> None:
        """A proxy says which life of its process this is: what an earlier one had claimed, nobody will tell."""
        if self._heard.get(proxy.id) == epoch:
            return

        def work(connection: Connection) -> list[str]:
            earlier = [found for found in executions.claimed_by(connection, proxy.id) if found.epoch != epoch]
            return self._lose(connection, earlier)

        _note_lost(await self._database.write(work))
        self._heard[proxy.id] = epoch

    def _lose(self, connection: Connection, found: Sequence[Execution]) -> list[str]:
        """The ids of the actions of which nobody knows whether they were done."""
        now, lost = self._context.now(), []
        for execution in found:
            if execution.status is not Stage.CLAIMED:
                executions.remove(connection, execution.id)
                continue
            action = actions.by_id(connection, execution.action_id)
            if action is not None and lose(connection, action, LOST, now) is not action:
                lost.append(action.id)
            executions.lose(connection, execution.id, now + _BELIEVED)
        return lost

    def _sealed(self, execution: Execution, carried: Carried) -> str:
        return self._vault.seal(msgspec.json.encode(carried).decode(), answer_place(execution.id))


def _note_lost(action_ids: Sequence[str]) -> None:
    for action_id in action_ids:
        audit.record("action.failed", SERVER, action=action_id, code=OUTCOME_UNKNOWN)


def _served(connection: Connection, proxy: Proxy, execution_id: str) -> Execution:
    """Raises NotFound, also for what belongs to a gateway that the proxy does not serve."""
    found = executions.by_id(connection, execution_id)
    if found is not None and (proxy.serves_all or found.gateway_id in proxies.gateway_names(connection, proxy.id)):
        return found
    raise NotFound("execution", execution_id[:64])


def settle_by(connection: Connection, execution: Execution, carried: Carried, now: int) -> None:
    """Note what is known of how the action has ended, unless it is known already."""
    action = actions.by_id(connection, execution.action_id)
    if action is not None:
        done, told = _outcome(carried)
        settle(connection, action, done, told, now, counts=done or told["code"] == OUTCOME_UNKNOWN)


def _outcome(carried: Carried) -> tuple[bool, dict[str, Any]]:
    """Whether it was done, and what is kept of it: never a header or a body."""
    told: dict[str, Any] = {"request_id": carried.request_id}
    if carried.status:
        told |= {"status": carried.status, "latency_ms": carried.latency_us // 1000}
    answered = 0 < carried.status < 400
    if answered:
        return True, {"code": "answered", **told}
    if carried.status:
        return False, {"code": "upstream_refused", **told}
    if carried.sent:
        return False, {"code": OUTCOME_UNKNOWN, "reason": carried.reason, "message": LOST, **told}
    return False, {"code": carried.reason, "message": carried.message, **told}


def answer_place(execution_id: str) -> Place:
    """Where an answer stands until it is collected."""
    return Place("executions", "answer", execution_id)
