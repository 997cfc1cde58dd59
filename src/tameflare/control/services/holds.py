"""Approvals as proxies see them: a request waits, takes what people gave, or leaves. One transaction for each."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Final

from msgspec.structs import replace

from tameflare.control.services import approval_changes as changes
from tameflare.control.services.approval_outcomes import Outcomes
from tameflare.control.services.context import Context
from tameflare.control.services.faults import Refused
from tameflare.control.store import agent_keys, agents, approvals, gateways, killswitch, meta, proxies
from tameflare.control.store.approvals import StoredApproval
from tameflare.control.store.engine import Connection, Database
from tameflare.control.store.proxies import Proxy
from tameflare.core import approval_states as states
from tameflare.core.approval_states import Approval, Asker, Standing
from tameflare.core.decision import Reason
from tameflare.core.killswitch import MESSAGE
from tameflare.core.voting import reachable
from tameflare.link.approvals import Answer, Consume, Held, Leave, Raise
from tameflare.settings import DENIAL_STANDS, MAX_PENDING_APPROVALS

_LONGEST: Final = 30 * 86400
"""Seconds that an approval may live at most, whatever a rule says."""


class Holds:
    """Raise, consume and leave, and the end of what nobody answered."""

    def __init__(self, context: Context, database: Database, outcomes: Outcomes) -> None:
        self._context = context
        self._database = database
        self._outcomes = outcomes
        self._most = context.settings.get(MAX_PENDING_APPROVALS)
        self._denial_stands = context.settings.get(DENIAL_STANDS)
        self._heard: dict[str, str] = {}

    async def raise_(self, proxy: Proxy, asked: Raise) -> Answer:
        """A request waits for people. Raises Refused where the proxy does not serve that gateway."""
        new_id = self._context.new_id("apr")
        return await self._write(lambda connection, now: self._raise(connection, proxy, asked, new_id, now))

    async def consume(self, proxy: Proxy, approval_id: str, asked: Consume) -> Answer:
        """Take an approval for one request. Raises as `raise_`."""
        answer = await self._write(lambda connection, now: _consume(connection, proxy, approval_id, asked, now))
        if answer.standing is Standing.RELEASED:
            self._outcomes.expect(proxy.id, asked.request_id, approval_id, asked.epoch)
        return answer

    async def leave(self, proxy: Proxy, approval_id: str, asked: Leave) -> Answer:
        """A connection waits no more. Raises as `raise_`."""
        answer = await self._write(lambda connection, now: _leave(connection, proxy, approval_id, asked, now))
        self._outcomes.drop(proxy.id, asked.request_id)
        return answer

    async def hear(self, proxy: Proxy, epoch: str) -> None:
        """A proxy says which life of its process this is; costs a look into a dict unless it is a new one."""
        if self._heard.get(proxy.id) == epoch:
            return
        asker = Asker(proxy.id, "", epoch)
        if await self._write(lambda connection, now: heard(connection, asker, now)):
            self._heard[proxy.id] = epoch

    async def expire(self) -> int | None:
        """End what is over; Unix seconds when the next one will be, if any is open."""

        def work(connection: Connection, now: int) -> int | None:
            changes.each(connection, approvals.due(connection, now), lambda state: states.expire(state, now), now)
            return approvals.next_end(connection)

        return await self._write(work)

    async def _write(self, work: Callable[[Connection, int], changes.T]) -> changes.T:
        """The time is read inside the transaction, so that it never goes back from one to the next."""
        return await self._database.write(lambda connection: work(connection, self._context.now()))

    def _raise(self, connection: Connection, proxy: Proxy, asked: Raise, new_id: str, now: int) -> Answer:
        held, asker = asked.held, Asker(proxy.id, asked.request_id, asked.epoch)
        _check_served(connection, proxy, held.gateway)
        known = approvals.by_request(connection, proxy.id, asked.request_id)
        if known is not None:
            known = changes.apply(connection, known, states.expire(known.state, now), now)
            return _answer(connection, known, asker)
        if not heard(connection, asker, now):
            return _refused(Reason.APPROVAL_REQUIRED, "the proxy was started again since")
        return self.join(connection, asker, asked, new_id, now)

    def join(self, connection: Connection, asker: Asker, asked: Raise, new_id: str, now: int) -> Answer:
        """Have a request wait for the approval that is open for the very same thing, or for a new one."""
        held = asked.held
        found = self._found(connection, asked, now) or self._new(connection, asked, new_id, now)
        if isinstance(found, Answer):
            return found
        together = replace(found.state, excluded=_behind(connection, held, found.state.excluded))
        people = changes.people(connection)
        joined = states.join(together, asker, asked.requirement, asked.configuration, people, now)
        return _answer(connection, changes.apply(connection, found, joined, now), asker)

    def _found(self, connection: Connection, asked: Raise, now: int) -> StoredApproval | None:
        """The approval that is open for the very same thing."""
        held = asked.held
        found = approvals.open_for(connection, held.gateway, held.agent, held.digest)
        if found is None:
            return None
        found = changes.apply(connection, found, states.expire(found.state, now), now)
        return found if found.state.is_open else None

    def _new(self, connection: Connection, asked: Raise, new_id: str, now: int) -> StoredApproval | Answer:
        """An approval that nobody waits for yet, or why there is none."""
        held, requirement = asked.held, asked.requirement
        gateway, agent = gateways.by_id(connection, held.gateway), agents.by_id(connection, held.agent)
        if gateway is None or agent is None or agent.gateway_id != gateway.id:
            return _refused(Reason.UNAUTHENTICATED, "the gateway has no such agent any more")
        life = requirement.timeout or math.ceil(asked.wait)
        state = Approval(
            id=new_id,
            gateway=held.gateway,
            agent=held.agent,
            connector=held.connector,
            digest=held.digest,
            requirement=requirement,
            configuration=asked.configuration,
            raised_at=now,
            deadline=now + min(max(1, life), _LONGEST),
            excluded=_behind(connection, held, ()),
        )
        stored = StoredApproval(state, held, gateway.name, agent.name)
        if any(changes.fits(switch, stored) for switch in killswitch.listed(connection)):
            return _refused(Reason.KILL_SWITCH_ACTIVE, MESSAGE)
        denied = approvals.denied_since(connection, held.gateway, held.agent, held.digest, now - self._denial_stands)
        if denied is not None:
            return _refused(*states.refusal(denied.state), denied.state.id)
        if approvals.pending_of(connection, held.gateway, held.agent) >= self._most:
            return _refused(Reason.TOO_MANY_APPROVALS, f"{self._most} approvals of this agent wait for people already")
        if not reachable(requirement, state.excluded, changes.people(connection)):
            return _refused(Reason.APPROVAL_UNREACHABLE, "there are not enough people who may answer this")
        return stored


def _consume(connection: Connection, proxy: Proxy, approval_id: str, asked: Consume, now: int) -> Answer:
    stored = approvals.by_id(connection, approval_id)
    if stored is None:
        return _refused(Reason.APPROVAL_EXPIRED, "there is no such approval")
    _check_served(connection, proxy, stored.state.gateway)
    asker = Asker(proxy.id, asked.request_id, asked.epoch)
    if not heard(connection, asker, now) or asked.digest != stored.state.digest:
        return _refused(Reason.APPROVAL_REQUIRED, "the approval is for another request", approval_id)
    stored = approvals.by_id(connection, approval_id) or stored
    newest = meta.version(connection).number
    people = changes.people(connection)
    state, standing = states.consume(stored.state, asker, asked.requirement, asked.configuration, newest, people, now)
    return _answer(connection, changes.apply(connection, stored, state, now), asker, standing)


def _leave(connection: Connection, proxy: Proxy, approval_id: str, asked: Leave, now: int) -> Answer:
    stored = approvals.by_id(connection, approval_id)
    if stored is None:
        return _refused(Reason.APPROVAL_EXPIRED, "there is no such approval")
    _check_served(connection, proxy, stored.state.gateway)
    asker = Asker(proxy.id, asked.request_id)
    left = states.leave(stored.state, asker, asked.reason, asked.message, now)
    return _answer(connection, changes.apply(connection, stored, left, now), asker)


def heard(connection: Connection, asker: Asker, now: int) -> bool:
    """Whether this is the newest life of its proxy. The first word of a new one ends what the older ones held."""
    if not asker.epoch or approvals.newest_epoch(connection, asker.proxy) == asker.epoch:
        return True
    if not approvals.add_epoch(connection, asker.proxy, asker.epoch):
        return False
    found = [*approvals.opened(connection), *approvals.released(connection)]
    changes.each(connection, found, lambda state: states.restarted(state, asker.proxy, asker.epoch), now)
    return True


def _check_served(connection: Connection, proxy: Proxy, gateway_id: str) -> None:
    """A proxy speaks for the gateways that it serves, and for no other. Raises Refused."""
    if not proxy.serves_all and gateway_id not in proxies.gateway_names(connection, proxy.id):
        raise Refused("this proxy does not serve that gateway", "assign the gateway to the proxy")


def _behind(connection: Connection, held: Held, known: tuple[str, ...]) -> tuple[str, ...]:
    """The people who stand behind a request: whoever made the agent, and the token that its run was started with or the
    key that it was asked for by."""
    agent, token = agents.by_id(connection, held.agent), gateways.token_by_id(connection, held.token)
    key = agent_keys.by_id(connection, held.token)
    made_by = (found.created_by for found in (agent, token, key) if found is not None)
    return tuple(dict.fromkeys((*known, *(person for person in made_by if person))))


def _answer(connection: Connection, stored: StoredApproval, asker: Asker, standing: Standing | None = None) -> Answer:
    state = stored.state
    standing = standing or states.standing(state, asker)
    version = meta.version(connection).number
    reason, message = states.refusal(state) if standing is Standing.REFUSED else ("", "")
    return Answer(state.id, standing, version, str(reason), message, state.expires_at)


def _refused(reason: Reason, message: str, approval_id: str = "") -> Answer:
    return Answer(approval_id, Standing.REFUSED, reason=reason.value, message=message)
