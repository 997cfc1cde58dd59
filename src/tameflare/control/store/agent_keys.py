"""Keys of agents for the decision API."""

from __future__ import annotations

from typing import Any, Final

import msgspec
from sqlalchemy import Connection, Select, delete, insert, select, update

from tameflare.control.store.actions_schema import agent_keys
from tameflare.control.store.engine import touch
from tameflare.control.store.rows import columns, every, one
from tameflare.control.store.tables import agents
from tameflare.core.agent_keys import KeyKind

TOPIC: Final = "agent_keys"
"""Touched by whatever may end a key."""


class AgentKey(msgspec.Struct, frozen=True):
    """`prefix` is what it is found by, `hash` bcrypt's; Unix seconds; `expires_at` None: for ever."""

    id: str
    agent_id: str
    name: str
    kind: KeyKind
    prefix: str
    hash: str
    created_at: int
    created_by: str | None = None
    expires_at: int | None = None
    last_used_at: int | None = None


class Holder(AgentKey, frozen=True, kw_only=True):
    """A key with the gateway that its agent belongs to."""

    gateway_id: str


def add(connection: Connection, key: AgentKey) -> None:
    """Raises Conflict where the prefix is taken."""
    connection.execute(insert(agent_keys).values(**columns(key)))


def of_agent(connection: Connection, agent_id: str) -> list[AgentKey]:
    query = select(agent_keys).where(agent_keys.c.agent_id == agent_id)
    return every(connection, query.order_by(agent_keys.c.created_at, agent_keys.c.id), AgentKey)


def by_prefix(connection: Connection, prefix: str) -> Holder | None:
    return one(connection, _held().where(agent_keys.c.prefix == prefix), Holder)


def by_id(connection: Connection, key_id: str) -> Holder | None:
    return one(connection, _held().where(agent_keys.c.id == key_id), Holder)


def _held() -> Select[Any]:
    return select(agent_keys, agents.c.gateway_id).join(agents, agents.c.id == agent_keys.c.agent_id)


def used(connection: Connection, key_id: str, now: int) -> None:
    connection.execute(update(agent_keys).where(agent_keys.c.id == key_id).values(last_used_at=now))


def remove(connection: Connection, agent_id: str, key_id: str) -> bool:
    """False where the agent has no such key."""
    mine = (agent_keys.c.id == key_id) & (agent_keys.c.agent_id == agent_id)
    touch(connection, TOPIC)
    return connection.execute(delete(agent_keys).where(mine)).rowcount > 0
