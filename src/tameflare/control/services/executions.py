"""Actions that the gateway carries out itself: a proxy fetches the job, sends it at most once, and tells how it went.

    execute → queued → (a proxy claims it: the token is used up, the action is taken) claimed → done
                     → (nobody claims it, or it is refused first) gone, and the token is as good as before

A claim without an outcome by its deadline is lost: the action has failed with `outcome_unknown`, and that is its end.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final, NamedTuple, TypeVar

import msgspec

from tameflare.connectors import registry
from tameflare.connectors.asked import CUSTOM
from tameflare.connectors.base import HttpCall
from tameflare.connectors.carrying import call_for
from tameflare.connectors.spoken import carried_as
from tameflare.control.services import audit
from tameflare.control.services.action_taking import settle, taken
from tameflare.control.services.audit import Actor
from tameflare.control.services.bell import Bell
from tameflare.control.services.context import Context
from tameflare.control.services.decision_tokens import DecisionTokens, Presented, Way
from tameflare.control.services.execution_faults import AlreadyCarriedOut, NoGateway, NotExecutable, RefusedAtGateway
from tameflare.control.services.execution_jobs import answer_place
from tameflare.control.services.faults import NotFound
from tameflare.control.services.vault import Vault
from tameflare.control.store import actions, connectors, executions, feed, meta, proxies
from tameflare.control.store.actions import StoredAction
from tameflare.control.store.engine import Conflict, Connection, Database
from tameflare.control.store.executions import TOPIC, Execution, Stage
from tameflare.control.store.proxies import Proxy
from tameflare.core.agent_keys import KeyKind
from tameflare.core.config import ConnectorConfig
from tameflare.core.errors import TameFlareError
from tameflare.link.executions import Carried
from tameflare.link.messages import ExecuteJob
from tameflare.settings import EXECUTE_TIMEOUT

CLAIM_SECONDS: Final = 5.0
"""For so long a proxy may take to claim a job; then there is none that would."""
CONNECTED_SECONDS: Final = 40
"""A proxy that has not asked for news for longer is not there: it asks every 25 seconds."""
_GRACE: Final = 5
"""Seconds beyond the proxy's own time-out by which it must have told."""
T = TypeVar("T")


class Executed(NamedTuple):
    """The action as it is now; what the upstream answered, where it did; `would_be` what a test key would have sent."""

    action: StoredAction
    carried: Carried | None = None
    would_be: HttpCall | None = None


class Executions:
    """`close` answers everybody who waits."""

    def __init__(self, context: Context, database: Database, vault: Vault, tokens: DecisionTokens) -> None:
        self._context = context
        self._database = database
        self._vault = vault
        self._tokens = tokens
        self._seconds = context.settings.get(EXECUTE_TIMEOUT)
        self._bell = Bell()
        database.subscribe(TOPIC, self._bell.ring)

    def close(self) -> None:
        self._bell.close()

    # --- for agents

    async def execute(self, agent_id: str, kind: KeyKind, action_id: str, text: str, by: Actor) -> Executed:
        """Carry an agent's own action out, asked by a key of that kind. Raises NotFound, TokenRefused, Refused,
        NotExecutable, NoGateway, AlreadyCarriedOut, RefusedAtGateway; of these only AlreadyCarriedOut and TokenSpent
        say that it was begun."""
        presented = await self._presented(agent_id, kind, action_id, text)
        action = await self._audited(lambda connection: self._tokens.checked(connection, presented), by)
        call = await self._database.read(lambda connection: _call(connection, action))
        if action.kind is KeyKind.TEST:
            return await self._pretend(presented, call, by)
        queued = await self._queue(presented, by)
        finished = await self._finished(queued)
        told = await self._database.write(lambda connection: self._collect(connection, finished))
        if isinstance(told, RefusedAtGateway):
            audit.record("action.refused_at_gateway", by, action=action.id, code=told.code)
            raise told
        code = (told.action.outcome or {}).get("code")
        audit.record(f"action.{told.action.status.value}", by, action=action.id, code=code)
        return told

    async def _presented(self, agent_id: str, kind: KeyKind, action_id: str, text: str) -> Presented:
        """The token as it stands for this very action."""
        found = await self._database.read(lambda connection: actions.of_agent(connection, agent_id, action_id))
        if found is None:
            raise NotFound("action", action_id[:64])
        return Presented(text, found.spec_hash, agent_id, action_id, test=True, live=kind is KeyKind.LIVE)

    async def _audited(self, work: Callable[[Connection], T], by: Actor) -> T:
        try:
            return await self._database.read(work)
        except TameFlareError as fault:
            audit.record("token.refused", by, code=fault.code)
            raise

    async def _pretend(self, presented: Presented, call: HttpCall, by: Actor) -> Executed:
        """Use the token up, and say what would have been sent."""

        def work(connection: Connection) -> StoredAction:
            now = self._context.now()
            action = self._tokens.checked(connection, presented)
            self._tokens.burn(connection, action, Way.EXECUTE)
            return settle(connection, taken(action, now), True, {"code": "test"}, now, counts=False)

        return Executed(await self._tokens.audited(work, by), would_be=call)

    async def _queue(self, presented: Presented, by: Actor) -> Execution:
        """Offer the job to the proxies that serve its gateway. The token is checked once more in the transaction."""
        new_id = self._context.new_id("exe")

        def work(connection: Connection) -> Execution:
            now = self._context.now()
            action = self._tokens.checked(connection, presented)
            there = connected(connection, action.gateway_id, now)
            if not there:
                raise NoGateway
            made = Execution(
                id=new_id,
                action_id=action.id,
                gateway_id=action.gateway_id,
                status=Stage.QUEUED,
                configuration=meta.version(connection).number,
                created_at=now,
                deadline=now + int(CLAIM_SECONDS + self._seconds) + _GRACE,
            )
            executions.add(connection, made)
            message = msgspec.json.encode(ExecuteJob(made.id, made.deadline))
            for proxy in there:
                feed.append(connection, message, now, proxy.id)
            return made

        try:
            made = await self._database.write(work)
        except Conflict:
            raise AlreadyCarriedOut from None
        audit.record("action.executing", by, action=made.action_id, execution=made.id)
        return made

    async def _finished(self, execution: Execution) -> Execution:
        """Wait for its end. Raises NoGateway where nobody has claimed it in time."""
        claim_by = self._context.steady() + CLAIM_SECONDS
        end_by = claim_by + self._seconds + _GRACE
        while True:
            rings = self._bell.rings
            found = await self._database.read(lambda connection: executions.by_id(connection, execution.id))
            if found is None or found.status is Stage.DONE:
                return found or execution
            limit = claim_by if found.status is Stage.QUEUED else end_by
            remaining = limit - self._context.steady()
            if remaining > 0 and await self._bell.wait(rings, remaining):
                continue
            if found.status is not Stage.QUEUED:
                return found
            if await self._database.write(lambda connection: executions.withdraw(connection, execution.id)):
                raise NoGateway

    def _collect(self, connection: Connection, execution: Execution) -> Executed | RefusedAtGateway:
        """What was told, which is forgotten here; a refusal where nothing was begun."""
        found = executions.by_id(connection, execution.id)
        action = actions.by_id(connection, execution.action_id)
        assert action is not None
        if found is None or found.status is not Stage.DONE or found.answer is None:
            return Executed(action)
        carried = self._opened(found.id, found.answer)
        executions.remove(connection, found.id)
        return Executed(action, carried) if found.request_id else RefusedAtGateway(carried.reason, carried.message)

    def _opened(self, execution_id: str, answer: str) -> Carried:
        return msgspec.json.decode(self._vault.open(answer, answer_place(execution_id)), type=Carried)


def connected(connection: Connection, gateway_id: str, now: int) -> list[Proxy]:
    """The proxies that serve a gateway and have asked for news lately."""
    return [
        proxy
        for proxy in proxies.listed(connection)
        if proxy.last_seen is not None
        and now - proxy.last_seen <= CONNECTED_SECONDS
        and (proxy.serves_all or gateway_id in proxies.gateway_names(connection, proxy.id))
    ]


def _call(connection: Connection, action: StoredAction) -> HttpCall:
    """The request that the action's connector makes of it. Raises NotExecutable, InvalidValue."""
    found = connectors.by_name(connection, action.gateway_id, action.connector)
    if found is None or found.type == CUSTOM:
        raise NotExecutable(action.type)
    connector = registry.create(msgspec.convert(found, ConnectorConfig, from_attributes=True))
    return call_for(connector, carried_as(action.type, action.resource, action.parameters))
