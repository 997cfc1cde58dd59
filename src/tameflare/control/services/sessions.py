"""Sessions of people in the browser: begun at log-in, idle for twelve hours at most, over after seven days.

A session ends at once when its user is suspended or gets another role, so that nobody works on with what he had before.
"""

from __future__ import annotations

from typing import Final

import msgspec

from tameflare.control.services import audit
from tameflare.control.services.audit import Actor
from tameflare.control.services.context import Context
from tameflare.control.store import sessions, users
from tameflare.control.store.engine import Connection, Database
from tameflare.control.store.sessions import Session
from tameflare.control.store.users import User, UserStatus
from tameflare.link.tokens import TokenKind, digest, new_token

IDLE_SECONDS: Final = 12 * 3600
LIFE_SECONDS: Final = 7 * 86400
_TOUCH_EVERY: Final = 60


class Visitor(msgspec.Struct, frozen=True):
    """A person who is logged in. `csrf` stands in every form that he is shown."""

    user: User
    session: Session
    csrf: str

    @property
    def actor(self) -> Actor:
        return Actor(self.user.id, self.user.name)


class Sessions:
    """`pepper` is the key under which the cookie's tokens are kept."""

    def __init__(self, context: Context, database: Database, pepper: bytes) -> None:
        self._context = context
        self._database = database
        self._pepper = pepper

    async def begin(self, user: User) -> str:
        """A session of its own for each log-in: the token for the cookie. Drops sessions that are over."""
        secret = new_token(TokenKind.SESSION)
        now = self._context.now()
        session = Session(
            id=self._context.new_id("ses"),
            user_id=user.id,
            digest=digest(secret, self._pepper),
            role=user.role,
            created_at=now,
            seen_at=now,
        )

        def work(connection: Connection) -> None:
            sessions.purge(connection, now - LIFE_SECONDS, now - IDLE_SECONDS)
            sessions.add(connection, session)

        await self._database.write(work)
        return secret

    async def find(self, secret: str, *, active: bool = True) -> Visitor | None:
        """Who is logged in by this token. `active`: a person did something, so the idle time begins anew."""
        if not secret.startswith(TokenKind.SESSION.value):
            return None
        wanted, now = digest(secret, self._pepper), self._context.now()
        session, user = await self._database.read(lambda connection: _find(connection, wanted))
        if session is None or user is None or not _holds(session, user, now):
            return None
        if active and now - session.seen_at >= _TOUCH_EVERY:
            await self._database.write(lambda connection: sessions.touch(connection, session.id, now))
        return Visitor(user, session, self.form_token(secret))

    def form_token(self, secret: str) -> str:
        """What a form must bring along with this cookie; whoever knows it does not know the cookie."""
        return digest(f"form {secret}", self._pepper)

    async def end(self, visitor: Visitor) -> None:
        """Log out here."""
        await self._database.write(lambda connection: sessions.remove(connection, visitor.session.id))
        audit.record("user.logout", visitor.actor)

    async def end_all(self, visitor: Visitor) -> int:
        """Log out everywhere; how many sessions that ended."""
        ended = await self._database.write(lambda connection: sessions.remove_of_user(connection, visitor.user.id))
        audit.record("user.logout", visitor.actor, sessions=ended)
        return ended


def _find(connection: Connection, wanted: str) -> tuple[Session | None, User | None]:
    session = sessions.by_digest(connection, wanted)
    return session, users.by_id(connection, session.user_id) if session else None


def _holds(session: Session, user: User, now: int) -> bool:
    in_time = now - session.created_at < LIFE_SECONDS and now - session.seen_at < IDLE_SECONDS
    return in_time and user.status is UserStatus.ACTIVE and user.role is session.role
