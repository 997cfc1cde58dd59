"""Personal access tokens: making them, and finding the person behind one."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import msgspec

from tameflare.control.services import audit
from tameflare.control.services.audit import Actor
from tameflare.control.services.context import Context
from tameflare.control.store import tokens, users
from tameflare.control.store.engine import Connection, Database
from tameflare.control.store.tokens import PersonalToken
from tameflare.control.store.users import User, UserStatus
from tameflare.core.roles import Scope
from tameflare.link.tokens import TokenKind, digest, new_token

DEFAULT_DAYS: Final = 90
_DAY: Final = 86400
_TOUCH_EVERY: Final = 60


class Caller(msgspec.Struct, frozen=True):
    """A person and the token that speaks for him."""

    user: User
    token: PersonalToken

    @property
    def actor(self) -> Actor:
        return Actor(self.user.id, self.user.name)


class PersonalTokens:
    def __init__(self, context: Context, database: Database, pepper: bytes) -> None:
        self._context = context
        self._database = database
        self._pepper = pepper

    async def make(self, user: User, name: str, scopes: Sequence[Scope], days: int) -> tuple[str, PersonalToken]:
        """A fresh token, shown this once, and what is stored of it."""
        secret = new_token(TokenKind.PERSONAL)
        now = self._context.now()
        token = PersonalToken(
            id=self._context.new_id("pat"),
            user_id=user.id,
            name=name,
            digest=digest(secret, self._pepper),
            scopes=tuple(dict.fromkeys(scopes)),
            created_at=now,
            expires_at=now + days * _DAY,
        )
        await self._database.write(lambda connection: tokens.add(connection, token))
        audit.record("token.created", Actor(user.id, user.name), token=token.id, scopes=[s.value for s in token.scopes])
        return secret, token

    async def find(self, secret: str) -> Caller | None:
        """Who speaks by this token; None where it is unknown or expired, or its user is suspended."""
        wanted = digest(secret, self._pepper)
        caller = await self._database.read(lambda connection: _find(connection, wanted))
        if caller is None or caller.token.expires_at <= self._context.now():
            return None
        if caller.user.status is not UserStatus.ACTIVE:
            return None
        await self._touch(caller.token)
        return caller

    async def _touch(self, token: PersonalToken) -> None:
        now = self._context.now()
        if now - (token.last_used_at or 0) >= _TOUCH_EVERY:
            await self._database.write(lambda connection: tokens.touch(connection, token.id, now))


def _find(connection: Connection, wanted: str) -> Caller | None:
    token = tokens.by_digest(connection, wanted)
    user = users.by_id(connection, token.user_id) if token else None
    return None if token is None or user is None else Caller(user, token)
