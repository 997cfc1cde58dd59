"""People with an account."""

from __future__ import annotations

from enum import StrEnum
from typing import Any

import msgspec
from sqlalchemy import Connection, insert, select, update

from tameflare.control.store.rows import columns, every, one
from tameflare.control.store.tables import users
from tameflare.core.roles import Role


class UserStatus(StrEnum):
    ACTIVE = "active"
    SUSPENDED = "suspended"


class User(msgspec.Struct, frozen=True):
    """`email` is lower case; `password_hash` is bcrypt's; `founder` is 1 for the first owner."""

    id: str
    name: str
    email: str
    role: Role
    password_hash: str
    created_at: int
    status: UserStatus = UserStatus.ACTIVE
    founder: int | None = None


def add(connection: Connection, user: User) -> None:
    """Raises Conflict where the e-mail is taken, or a second founder tries."""
    connection.execute(insert(users).values(**columns(user)))


def by_email(connection: Connection, email: str) -> User | None:
    return one(connection, select(users).where(users.c.email == email), User)


def by_id(connection: Connection, user_id: str) -> User | None:
    return one(connection, select(users).where(users.c.id == user_id), User)


def listed(connection: Connection) -> list[User]:
    """Ordered by e-mail."""
    return every(connection, select(users).order_by(users.c.email), User)


def change(connection: Connection, user_id: str, values: dict[str, Any]) -> None:
    connection.execute(update(users).where(users.c.id == user_id).values(**values))


def anyone(connection: Connection) -> bool:
    """Whether somebody has registered."""
    return connection.execute(select(users.c.id).limit(1)).first() is not None
