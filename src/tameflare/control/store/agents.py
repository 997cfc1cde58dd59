"""Agents under gateways."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from sqlalchemy import Connection, delete, insert, select, update

from tameflare.control.store.rows import among, columns, every, one
from tameflare.control.store.tables import agents
from tameflare.core.config import AgentConfig


class Agent(AgentConfig, frozen=True, kw_only=True):
    gateway_id: str
    created_at: int
    created_by: str | None = None


def add(connection: Connection, agent: Agent) -> None:
    """Raises Conflict where the gateway has an agent of that name."""
    connection.execute(insert(agents).values(**columns(agent)))


def of_gateway(connection: Connection, gateway_id: str) -> list[Agent]:
    return every(connection, select(agents).where(agents.c.gateway_id == gateway_id).order_by(agents.c.name), Agent)


def of_gateways(connection: Connection, gateway_ids: Sequence[str] | None) -> list[Agent]:
    return every(connection, among(select(agents), agents.c.gateway_id, gateway_ids).order_by(agents.c.name), Agent)


def everywhere(connection: Connection) -> list[Agent]:
    return every(connection, select(agents).order_by(agents.c.name), Agent)


def by_name(connection: Connection, gateway_id: str, name: str) -> Agent | None:
    return one(connection, select(agents).where((agents.c.gateway_id == gateway_id) & (agents.c.name == name)), Agent)


def by_id(connection: Connection, agent_id: str) -> Agent | None:
    return one(connection, select(agents).where(agents.c.id == agent_id), Agent)


def change(connection: Connection, agent_id: str, values: dict[str, Any]) -> None:
    connection.execute(update(agents).where(agents.c.id == agent_id).values(**values))


def remove(connection: Connection, agent_id: str) -> None:
    connection.execute(delete(agents).where(agents.c.id == agent_id))
