"""People as owners and admins manage them: adding somebody, giving a role, suspending.

Nobody changes himself, nor somebody of his own role or above, except that owners may change owners; nobody gives a role
above his own.
"""

from __future__ import annotations

from typing import Any

import msgspec

from tameflare.control.services import audit
from tameflare.control.services.accounts import checked_email
from tameflare.control.services.context import Context
from tameflare.control.services.faults import AlreadyExists, NotFound, Refused, RoleTooLow
from tameflare.control.services.passwords import Hasher
from tameflare.control.services.remembered import forget_person
from tameflare.control.services.tokens import Caller
from tameflare.control.store import users
from tameflare.control.store.engine import Conflict, Connection, Database
from tameflare.control.store.users import User, UserStatus
from tameflare.core.roles import Role, at_least


class NewUser(msgspec.Struct, frozen=True):
    """Somebody to be added; he logs in with this password."""

    name: str
    email: str
    role: Role
    password: str


class UserAdmin:
    def __init__(self, context: Context, database: Database, hasher: Hasher) -> None:
        self._context = context
        self._database = database
        self._hasher = hasher

    async def add(self, caller: Caller, wanted: NewUser) -> User:
        """Raises Invalid, Refused, AlreadyExists."""
        email = checked_email(wanted.email, wanted.password)
        user = User(
            id=self._context.new_id("usr"),
            name=wanted.name,
            email=email,
            role=wanted.role,
            password_hash=await self._hasher.hash(wanted.password),
            created_at=self._context.now(),
        )

        def work(connection: Connection) -> None:
            _check_grant(_present(connection, caller), wanted.role)
            users.add(connection, user)

        try:
            await self._database.write(work)
        except Conflict:
            raise AlreadyExists("user", email) from None
        audit.record("user.added", caller.actor, user=user.id, role=user.role.value)
        return user

    async def change(self, caller: Caller, name: str, role: Role | None, status: UserStatus | None) -> User:
        """Give the person with this id or e-mail another role or status. What he agreed to is remembered no longer.

        Raises NotFound, Refused.
        """

        def work(connection: Connection) -> User:
            found = users.by_id(connection, name) or users.by_email(connection, name.strip().lower())
            if found is None:
                raise NotFound("user", name)
            present = _present(connection, caller)
            _check_target(present, found)
            _check_grant(present, role or found.role)
            wished = {"role": role, "status": status}
            values: dict[str, Any] = {key: value.value for key, value in wished.items() if value is not None}
            if values:
                users.change(connection, found.id, values)
                forget_person(connection, found.id, self._context.now())
            changed = users.by_id(connection, found.id)
            assert changed is not None
            return changed

        user = await self._database.write(work)
        audit.record("user.updated", caller.actor, user=user.id, role=user.role.value, status=user.status.value)
        return user


def _present(connection: Connection, caller: Caller) -> User:
    """The caller as he is inside this transaction: somebody may have changed him since he was let in."""
    found = users.by_id(connection, caller.user.id)
    if found is None or found.status is not UserStatus.ACTIVE:
        raise Refused("your account was changed meanwhile", "log in again")
    if not at_least(found.role, Role.ADMIN):
        raise RoleTooLow(Role.ADMIN, found.role)
    return found


def _check_target(caller: User, target: User) -> None:
    if caller.id == target.id:
        raise Refused("nobody changes his own role or status", "ask another owner or admin", code="oneself")
    if caller.role is not Role.OWNER and at_least(target.role, caller.role):
        raise Refused(f"`{target.email}` has the role `{target.role.value}`", "ask an owner", code="role")


def _check_grant(caller: User, role: Role) -> None:
    if not at_least(caller.role, role):
        raise Refused(f"nobody gives a role above his own, which is `{caller.role.value}`", "ask an owner", code="role")
