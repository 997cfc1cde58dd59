"""Groups of people as admins manage them, and where rules and policies name them.

Nobody below owner puts himself into a group: it would make him one of those whose agreement a rule asks for.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Final

from tameflare.control.services import audit
from tameflare.control.services.context import Context
from tameflare.control.services.faults import AlreadyExists, InUse, NotFound, Refused
from tameflare.control.services.remembered import forget_person
from tameflare.control.services.tokens import Caller
from tameflare.control.store import gateways, groups, policies, rules, users
from tameflare.control.store.engine import Conflict, Connection, Database
from tameflare.control.store.groups import Group
from tameflare.control.store.users import User
from tameflare.core.approval import Requirement
from tameflare.core.policy.parse import parse_policy
from tameflare.core.roles import Role


class Groups:
    def __init__(self, context: Context, database: Database) -> None:
        self._context = context
        self._database = database

    async def list(self) -> Sequence[tuple[Group, int]]:
        """Every group with how many people it has."""

        def work(connection: Connection) -> Sequence[tuple[Group, int]]:
            sizes = groups.sizes(connection)
            return [(group, sizes.get(group.id, 0)) for group in groups.listed(connection)]

        return await self._database.read(work)

    async def create(self, caller: Caller, name: str) -> Group:
        """Raises AlreadyExists."""
        group = Group(self._context.new_id("grp"), name, self._context.now())
        try:
            await self._database.write(lambda connection: groups.add(connection, group))
        except Conflict:
            raise AlreadyExists("group", name) from None
        audit.record("group.created", caller.actor, group=name)
        return group

    async def delete(self, caller: Caller, name: str) -> None:
        """Raises NotFound, InUse."""

        def work(connection: Connection) -> None:
            found = _named(connection, name)
            places = list(named_by(connection, name))
            if places:
                raise InUse("group", name, places)
            groups.remove(connection, found.id)

        await self._database.write(work)
        audit.record("group.deleted", caller.actor, group=name)

    async def members(self, name: str) -> Sequence[User]:
        """Raises NotFound."""
        return await self._database.read(lambda connection: groups.people_of(connection, _named(connection, name).id))

    async def join(self, caller: Caller, name: str, person: str) -> User:
        """Put somebody (an id or e-mail) into a group; once more changes nothing. Raises NotFound, Refused."""

        def work(connection: Connection) -> tuple[User, bool]:
            group, user = _named(connection, name), _somebody(connection, person)
            if user.id == caller.user.id and caller.user.role is not Role.OWNER:
                raise Refused("nobody puts himself into a group", "ask an owner or another admin", code="oneself")
            return user, groups.join(connection, group.id, user.id, self._context.now())

        user, joined = await self._database.write(work)
        if joined:
            audit.record("group.joined", caller.actor, group=name, user=user.id)
        return user

    async def leave(self, caller: Caller, name: str, person: str) -> None:
        """Take somebody out of a group. What he agreed to is remembered no longer. Raises NotFound."""

        def work(connection: Connection) -> User:
            group, user = _named(connection, name), _somebody(connection, person)
            if not groups.leave(connection, group.id, user.id):
                raise NotFound("member", person)
            forget_person(connection, user.id, self._context.now())
            return user

        user = await self._database.write(work)
        audit.record("group.left", caller.actor, group=name, user=user.id)


def _named(connection: Connection, name: str) -> Group:
    found = groups.by_name(connection, name)
    if found is None:
        raise NotFound("group", name)
    return found


def _somebody(connection: Connection, person: str) -> User:
    found = users.by_id(connection, person) or users.by_email(connection, person.strip().lower())
    if found is None:
        raise NotFound("user", person)
    return found


# --- who names a group ------------------------------------------------------------------------------------------------


def named_by(connection: Connection, group: str) -> Iterator[str]:
    """Every rule and policy that names a group, in words."""
    for finder in _FINDERS:
        yield from finder(connection, group)


def _rules(connection: Connection, group: str) -> Iterator[str]:
    names = {gateway.id: gateway.name for gateway in gateways.listed(connection)}
    for gateway_id, rule in rules.of_gateways(connection, None):
        if rule.approval is not None and names_group([rule.approval], group):
            yield f"rule `{rule.pattern}` on `{rule.connector}` of gateway `{names[gateway_id]}`"


def names_group(requirements: Iterable[Requirement], group: str) -> bool:
    """Whether one of them asks this group."""
    return any(group in part.groups for requirement in requirements for part in requirement.parts)


def _policies(connection: Connection, group: str) -> Iterator[str]:
    """Of those that exist, also where they are switched off; one that no longer compiles may name any group."""
    for policy in policies.listed(connection):
        if group not in policy.source and "\\" not in policy.source:
            continue  # reading all of them would hold up whoever else writes
        parsed = parse_policy(policy.source).policy
        asked = [] if parsed is None else [rule.approval for rule in parsed.rules if rule.approval is not None]
        if parsed is None or names_group(asked, group):
            yield f"policy `{policy.name}`"


_FINDERS: Final[Sequence[Callable[[Connection, str], Iterator[str]]]] = (_rules, _policies)
