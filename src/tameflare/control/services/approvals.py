"""Approvals as people answer them: what waits, voting, what is remembered. For the API and the dashboard alike."""

from __future__ import annotations

from collections.abc import Sequence
from enum import StrEnum
from typing import Any, Final, NamedTuple, Protocol

from tameflare.control.services import approval_changes as changes
from tameflare.control.services import audit
from tameflare.control.services import remembered as memory
from tameflare.control.services.approvals_shown import shown
from tameflare.control.services.audit import Actor
from tameflare.control.services.bell import Bell
from tameflare.control.services.configuration import Published
from tameflare.control.services.context import Context
from tameflare.control.services.faults import AlreadyAnswered, Fault, Invalid, NotEligible, NotFound, RoleTooLow
from tameflare.control.store import approvals, feed, gateways, meta, remembered
from tameflare.control.store.approvals import TOPIC, StoredApproval
from tameflare.control.store.engine import Connection, Database
from tameflare.control.store.users import User
from tameflare.core import approval_states as states
from tameflare.core.approval_states import Status
from tameflare.core.roles import Role, at_least
from tameflare.core.voting import Objection, Person, Remember, Vote, objection

MAX_PAGE: Final = 200


class Wanted(StrEnum):
    """Which approvals a list holds."""

    PENDING = "pending"
    ANSWERED = "answered"
    ALL = "all"


_STATUSES: Final[dict[Wanted, Sequence[Status] | None]] = {
    Wanted.PENDING: [Status.PENDING],
    Wanted.ANSWERED: [status for status in Status if status is not Status.PENDING],
    Wanted.ALL: None,
}
_WHY: Final = {
    Objection.GROUP: ("you are in none of the groups that must agree", "somebody of such a group can answer"),
    Objection.FOUR_EYES: (
        "you made this agent or the token of its run, and somebody else can answer",
        "ask another person to look at it",
    ),
}


class Voter(Protocol):
    """Who answers: the caller of the API or a visitor of the dashboard."""

    @property
    def user(self) -> User: ...

    @property
    def actor(self) -> Actor: ...


class Page(NamedTuple):
    """`next` is the cursor of what follows; `revision` is where `changes` goes on from here."""

    approvals: list[dict[str, Any]]
    next: str | None
    revision: int


class Approvals:
    """`close` answers everybody who waits."""

    def __init__(self, context: Context, database: Database, published: Published) -> None:
        self._context = context
        self._database = database
        self._published = published
        self._bell = Bell()
        database.subscribe(TOPIC, self._bell.ring)

    def close(self) -> None:
        self._bell.close()

    # --- reading

    async def list(self, wanted: Wanted = Wanted.PENDING, limit: int = 50, cursor: str | None = None) -> Page:
        """Newest first."""
        before = _place(cursor)

        def work(connection: Connection) -> Page:
            found = approvals.page(connection, _STATUSES[wanted], before, limit)
            last = found[-1].state if len(found) == limit else None
            return Page(
                _all_shown(connection, found),
                f"{last.raised_at}:{last.id}" if last else None,
                approvals.revision(connection),
            )

        return await self._database.read(work)

    async def get(self, approval_id: str) -> dict[str, Any]:
        """Raises NotFound."""
        return await self._database.read(lambda connection: _shown(connection, _found(connection, approval_id)))

    async def changes(self, after: int, wait: float) -> tuple[int, Sequence[dict[str, Any]]]:
        """What changed after a revision, each approval once as it is now, and the revision to go on from. Waits at most
        `wait` seconds for the first. A revision beyond the end (the database was restored) begins anew."""
        deadline = self._context.steady() + wait
        while True:
            rings = self._bell.rings
            found = await self._database.read(lambda connection: _changed(connection, after))
            remaining = deadline - self._context.steady()
            if found[1] or remaining <= 0 or not await self._bell.wait(rings, remaining):
                return found

    async def count_pending(self) -> int:
        """How many wait for people."""
        return await self._database.read(approvals.count_pending)

    async def hindrances(self, caller: Voter, approval_ids: Sequence[str]) -> dict[str, str]:
        """Why this person may not answer them, by id; those that he may answer are left out."""

        def work(connection: Connection) -> dict[str, str]:
            people = changes.people(connection)
            found = (approvals.by_id(connection, one) for one in approval_ids)
            whys = {stored.state.id: _hindrance(caller.user, stored, people) for stored in found if stored}
            return {name: why for name, why in whys.items() if why}

        return await self._database.read(work)

    # --- answering

    async def vote(
        self, caller: Voter, approval_id: str, approve: bool, reason: str = "", remember: Remember = Remember.NONE
    ) -> dict[str, Any]:
        """Cast a vote. Raises NotFound, AlreadyAnswered, NotEligible, RoleTooLow, Invalid."""
        new_id = self._context.new_id("rem")

        def work(connection: Connection) -> tuple[bool, dict[str, Any]]:
            """Whether the vote came in time, and how the approval stands; that it has ended is stored as well."""
            now = self._context.now()
            stored = _found(connection, approval_id)
            stored = changes.apply(connection, stored, states.expire(stored.state, now), now)
            people = changes.people(connection)
            if stored.state.status is not Status.PENDING:
                return False, shown(stored, people)
            _check(caller.user, stored, people, remember)
            cast = Vote(caller.user.id, approve, now, reason, remember if approve else Remember.NONE)
            state = states.vote(stored.state, cast, people, now)
            voters = {caller.user.id: caller.user.name}
            answered = _with(stored, state, voters)
            if state.status is Status.APPROVED:
                self._remember(connection, answered, people, new_id, now)
            return True, shown(changes.apply(connection, stored, state, now, voters, caller.actor), people)

        in_time, result = await self._database.write(work)
        if not in_time:
            raise AlreadyAnswered(result)
        audit.record(
            "approval.responded",
            caller.actor,
            approval=approval_id,
            vote="approve" if approve else "deny",
            reason=reason,
            remember=remember.value,
        )
        return result

    def _remember(
        self, connection: Connection, stored: StoredApproval, people: Sequence[Person], new_id: str, now: int
    ) -> None:
        state, types = stored.state, tuple(action.type for action in stored.held.actions)
        subject = memory.Subject(state.gateway, state.agent, state.connector, types)
        fingerprint = memory.fingerprint(connection, subject)
        made = memory.made(stored, people, new_id, now, fingerprint)
        if made is not None and fingerprint:
            remembered.add(connection, made)
            feed.append_configuration(connection, now)
            meta.bump(connection, now)

    # --- what is remembered

    async def remembered(self) -> Sequence[dict[str, Any]]:
        """The answers that stand, oldest first."""

        def work(connection: Connection) -> Sequence[dict[str, Any]]:
            now = self._context.now()
            names = {gateway.id: gateway.name for gateway in gateways.listed(connection)}
            return [
                _memory_shown(connection, one, names[one.gateway_id])
                for one in remembered.everywhere(connection)
                if one.expires_at > now
            ]

        return await self._database.read(work)

    async def forget(self, caller: Voter, memory_id: str) -> None:
        """Have people asked again from now on. Raises NotFound."""

        def work(connection: Connection) -> None:
            if not remembered.remove(connection, memory_id):
                raise NotFound("remembered approval", memory_id)

        await self._published.change(caller.actor, "approval.forgotten", work, remembered=memory_id)


def _found(connection: Connection, approval_id: str) -> StoredApproval:
    found = approvals.by_id(connection, approval_id)
    if found is None:
        raise NotFound("approval", approval_id)
    return found


def _shown(connection: Connection, stored: StoredApproval) -> dict[str, Any]:
    return shown(stored, changes.people(connection))


def _all_shown(connection: Connection, found: Sequence[StoredApproval]) -> list[dict[str, Any]]:
    people = changes.people(connection)
    return [shown(stored, people) for stored in found]


def _changed(connection: Connection, after: int) -> tuple[int, list[dict[str, Any]]]:
    newest = approvals.revision(connection)
    found = approvals.changed_after(connection, after if after <= newest else 0, MAX_PAGE)
    end = found[-1].revision if len(found) == MAX_PAGE else newest
    return end, _all_shown(connection, found)


def _with(stored: StoredApproval, state: states.Approval, voters: dict[str, str]) -> StoredApproval:
    return StoredApproval(state, stored.held, stored.gateway, stored.agent, {**stored.voters, **voters})


def _check(user: User, stored: StoredApproval, people: Sequence[Person], remember: Remember) -> None:
    """Raises RoleTooLow, NotEligible, Invalid."""
    requirement = stored.state.requirement
    person = next(person for person in people if person.id == user.id)
    why = objection(person, requirement, stored.state.excluded, people)
    if why is Objection.ROLE:
        lowest = min((part.role for part in requirement.parts), key=list(Role).index)
        raise RoleTooLow(lowest if at_least(lowest, Role.MEMBER) else Role.MEMBER, person.role)
    if why is not None:
        message, advice = _WHY[why]
        raise NotEligible(message, advice, code=why.value)
    fault = memory.objection(stored, remember)
    if fault:
        raise Invalid([Fault("remember", fault, "leave it out, and you are asked the next time")])


def _hindrance(user: User, stored: StoredApproval, people: Sequence[Person]) -> str:
    """Why he may not vote, in words; empty: he may."""
    try:
        _check(user, stored, people, Remember.NONE)
    except RoleTooLow as fault:
        return f"this needs the role {fault.required}, and yours is {fault.actual}"
    except NotEligible as fault:
        return fault.message
    return ""


def _memory_shown(connection: Connection, one: remembered.StoredMemory, gateway: str) -> dict[str, Any]:
    approval = approvals.by_id(connection, one.approval_id)
    return {
        "id": one.id,
        "approval": one.approval_id,
        "gateway": gateway,
        "agent": approval.agent if approval else one.agent,
        "connector": one.connector,
        "actions": [{"type": kind, "resource": resource} for kind, resource in one.actions],
        "run": one.run,
        "by": list(one.names),
        "created_at": one.created_at,
        "expires_at": one.expires_at,
    }


def _place(cursor: str | None) -> tuple[int, str] | None:
    """Raises Invalid for a cursor that no list gave."""
    if cursor is None:
        return None
    raised_at, colon, last = cursor.partition(":")
    if not (colon and raised_at.isascii() and raised_at.isdecimal() and len(raised_at) < 16):
        raise Invalid([Fault("cursor", "this is no cursor", "take `next` of the page before")])
    return int(raised_at), last
