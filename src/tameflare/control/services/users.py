"""People: the first owner, later registrations, and log-in."""

from __future__ import annotations

from typing import Final

import msgspec
import structlog

from tameflare.control.services import audit
from tameflare.control.services.accounts import checked_email
from tameflare.control.services.audit import Actor
from tameflare.control.services.context import Context
from tameflare.control.services.faults import AlreadyExists, Refused, Throttled, Unauthorized
from tameflare.control.services.passwords import Hasher
from tameflare.control.services.setupcode import SetupCode
from tameflare.control.services.throttle import Throttle
from tameflare.control.store import users
from tameflare.control.store.engine import Conflict, Database
from tameflare.control.store.users import User, UserStatus
from tameflare.core.roles import Role
from tameflare.settings import REGISTRATION

WRONG: Final = "Invalid email or password"
SUSPENDED: Final = "Account is suspended"
_WINDOW: Final = 300.0
_PER_EMAIL, _PER_ADDRESS = 10, 30

_log = structlog.get_logger("tameflare.users")


class Registration(msgspec.Struct, frozen=True):
    """What somebody who registers sends; `address` is where from."""

    name: str
    email: str
    password: str
    setup_code: str
    address: str


class Users:
    """Registration and log-in, throttled per e-mail and per address."""

    def __init__(self, context: Context, database: Database, hasher: Hasher, code: SetupCode) -> None:
        self._context = context
        self._database = database
        self._hasher = hasher
        self._code = code
        self._emails = Throttle(_PER_EMAIL, _WINDOW, context.steady)
        self._addresses = Throttle(_PER_ADDRESS, _WINDOW, context.steady)

    async def anyone(self) -> bool:
        return await self._database.read(users.anyone)

    async def register(self, wanted: Registration) -> User:
        """The new account. Raises Invalid, Refused, AlreadyExists, Throttled."""
        email = checked_email(wanted.email, wanted.password)
        _allow(self._addresses, wanted.address)
        first = not await self.anyone()
        self._admit(wanted, first)
        user = User(
            id=self._context.new_id("usr"),
            name=wanted.name,
            email=email,
            role=Role.OWNER if first else Role.VIEWER,
            password_hash=await self._hasher.hash(wanted.password),
            created_at=self._context.now(),
            founder=1 if first else None,
        )
        await self._store(user)
        if first:
            self._code.burn()
        audit.record("user.registered", Actor(user.id, user.name), role=user.role.value)
        return user

    async def log_in(self, email: str, password: str, address: str) -> User:
        """Raises Unauthorized, always with the same words whatever was wrong, Refused if suspended, or Throttled."""
        user = await self.verify(email, password, address)
        audit.record("user.login", Actor(user.id, user.name), address=address)
        return user

    async def verify(self, email: str, password: str, address: str) -> User:
        """The person whose password this is. Raises as `log_in`."""
        key = email.strip().lower()
        _allow(self._addresses, address)
        _allow(self._emails, key)
        user = await self._database.read(lambda connection: users.by_email(connection, key))
        if not await self._hasher.matches(password, user.password_hash if user else None) or user is None:
            _log.warning("login_failed", address=address)
            raise Unauthorized(WRONG, "check both, or ask an admin for a new password", code="login_failed")
        self._emails.forgive(key)
        self._addresses.undo(address)
        if user.status is UserStatus.SUSPENDED:
            raise Refused(SUSPENDED, "ask an admin", code="account_suspended")
        return user

    def _admit(self, wanted: Registration, first: bool) -> None:
        """Raises Refused unless this person may register."""
        if first:
            if not self._code.fits(wanted.setup_code):
                raise Refused(
                    "the set-up code is wrong", "use the code that the server printed at its start", code="setup_code"
                )
        elif self._mode() != "open":
            raise Refused(
                "registration is closed", "an owner can open it with TF_REGISTRATION=open", code="registration_closed"
            )

    def _mode(self) -> str:
        """TF_REGISTRATION; not open by itself on loopback either, where an agent could register to read along."""
        return self._context.settings.get(REGISTRATION)

    async def _store(self, user: User) -> None:
        try:
            await self._database.write(lambda connection: users.add(connection, user))
        except Conflict:
            if user.founder:
                raise Refused("somebody else was first to register", "log in instead", code="owner_exists") from None
            raise AlreadyExists("user", user.email) from None


def _allow(throttle: Throttle, key: str) -> None:
    wait = throttle.attempt(key)
    if wait:
        raise Throttled("too many attempts", wait)
