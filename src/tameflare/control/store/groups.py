"""Groups of people, and who is in them."""

from __future__ import annotations

from collections.abc import Mapping

import msgspec
from sqlalchemy import Connection, delete, func, insert, select

from tameflare.control.store import upsert
from tameflare.control.store.groups_schema import people_group_members as members
from tameflare.control.store.groups_schema import people_groups as groups
from tameflare.control.store.rows import columns, every, one
from tameflare.control.store.tables import users
from tameflare.control.store.users import User


class Group(msgspec.Struct, frozen=True):
    id: str
    name: str
    created_at: int


def add(connection: Connection, group: Group) -> None:
    """Raises Conflict where the name is taken."""
    connection.execute(insert(groups).values(**columns(group)))


def by_name(connection: Connection, name: str) -> Group | None:
    return one(connection, select(groups).where(groups.c.name == name), Group)


def listed(connection: Connection) -> list[Group]:
    """Ordered by name."""
    return every(connection, select(groups).order_by(groups.c.name), Group)


def names(connection: Connection) -> frozenset[str]:
    """Every group that a rule or a policy may name."""
    return frozenset(connection.execute(select(groups.c.name)).scalars())


def remove(connection: Connection, group_id: str) -> None:
    connection.execute(delete(groups).where(groups.c.id == group_id))


# --- members ----------------------------------------------------------------------------------------------------------


def join(connection: Connection, group_id: str, user_id: str, now: int) -> bool:
    """Whether the person was not in it yet."""
    statement = upsert.insert(connection, members).values(group_id=group_id, user_id=user_id, since=now)
    changed = connection.execute(statement.on_conflict_do_nothing(index_elements=["group_id", "user_id"]))
    return changed.rowcount > 0


def leave(connection: Connection, group_id: str, user_id: str) -> bool:
    """Whether the person was in it."""
    wanted = (members.c.group_id == group_id) & (members.c.user_id == user_id)
    return connection.execute(delete(members).where(wanted)).rowcount > 0


def people_of(connection: Connection, group_id: str) -> list[User]:
    """Ordered by e-mail."""
    query = select(users).join(members, members.c.user_id == users.c.id).where(members.c.group_id == group_id)
    return every(connection, query.order_by(users.c.email), User)


def sizes(connection: Connection) -> Mapping[str, int]:
    """How many people each group has, by its id; a group without any is left out."""
    query = select(members.c.group_id, func.count()).group_by(members.c.group_id)
    return {row[0]: row[1] for row in connection.execute(query)}


def of_everybody(connection: Connection) -> Mapping[str, tuple[str, ...]]:
    """The names of each person's groups, by the person's id; who is in none is left out."""
    query = select(members.c.user_id, groups.c.name).join(groups, groups.c.id == members.c.group_id)
    found: dict[str, tuple[str, ...]] = {}
    for user_id, name in connection.execute(query.order_by(groups.c.name)):
        found[user_id] = (*found.get(user_id, ()), name)
    return found
