"""Personal access tokens, by the digest of the token."""

from __future__ import annotations

import msgspec
from sqlalchemy import Connection, delete, insert, select, update

from tameflare.control.store.rows import columns, every, one
from tameflare.control.store.tables import personal_tokens
from tameflare.core.roles import Scope


class PersonalToken(msgspec.Struct, frozen=True):
    id: str
    user_id: str
    name: str
    digest: str
    scopes: tuple[Scope, ...]
    created_at: int
    expires_at: int
    last_used_at: int | None = None


def add(connection: Connection, token: PersonalToken) -> None:
    connection.execute(insert(personal_tokens).values(**columns(token)))


def by_digest(connection: Connection, digest: str) -> PersonalToken | None:
    return one(connection, select(personal_tokens).where(personal_tokens.c.digest == digest), PersonalToken)


def of_user(connection: Connection, user_id: str) -> list[PersonalToken]:
    query = select(personal_tokens).where(personal_tokens.c.user_id == user_id)
    return every(connection, query.order_by(personal_tokens.c.created_at), PersonalToken)


def remove(connection: Connection, user_id: str, token_id: str) -> bool:
    """Whether that user had such a token."""
    mine = (personal_tokens.c.id == token_id) & (personal_tokens.c.user_id == user_id)
    return connection.execute(delete(personal_tokens).where(mine)).rowcount > 0


def touch(connection: Connection, token_id: str, now: int) -> None:
    connection.execute(update(personal_tokens).where(personal_tokens.c.id == token_id).values(last_used_at=now))
