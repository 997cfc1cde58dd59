"""Single values of the installation by name, and the version of the published configuration."""

from __future__ import annotations

from typing import Final

import msgspec
from sqlalchemy import Connection, select

from tameflare.control.store.rows import every, one
from tameflare.control.store.tables import meta
from tameflare.control.store.upsert import insert

_VERSION: Final = "configuration"
_LAST: Final = "\U0010ffff"


class Value(msgspec.Struct, frozen=True):
    name: str
    value: str
    changed_at: int


class Version(msgspec.Struct, frozen=True):
    """`number` rises by one with each change; `changed_at` in Unix seconds."""

    number: int
    changed_at: int


def named_like(connection: Connection, prefix: str) -> list[Value]:
    """Values whose name begins with `prefix`, oldest first."""
    wanted = meta.c.name.between(prefix, f"{prefix}{_LAST}")
    return every(connection, select(meta).where(wanted).order_by(meta.c.changed_at, meta.c.name), Value)


def put(connection: Connection, value: Value) -> None:
    """Store a value, replacing the one of that name."""
    statement = insert(connection, meta).values(name=value.name, value=value.value, changed_at=value.changed_at)
    update = {"value": value.value, "changed_at": value.changed_at}
    connection.execute(statement.on_conflict_do_update(index_elements=["name"], set_=update))


def version(connection: Connection) -> Version:
    found = one(connection, select(meta).where(meta.c.name == _VERSION), Value)
    return Version(0, 0) if found is None else Version(int(found.value), found.changed_at)


def bump(connection: Connection, now: int) -> int:
    """Raise the configuration's version; returns the new one."""
    number = version(connection).number + 1
    put(connection, Value(_VERSION, str(number), now))
    return number


def add(connection: Connection, value: Value) -> None:
    """Store a value whose name must be new; the transaction ends in Conflict where it is not."""
    connection.execute(insert(connection, meta).values(name=value.name, value=value.value, changed_at=value.changed_at))


def remove(connection: Connection, name: str) -> None:
    connection.execute(meta.delete().where(meta.c.name == name))
