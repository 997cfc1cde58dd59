"""Names for the ids in records, and ids for names. Records hold ids, because names may change."""

from __future__ import annotations

from collections.abc import Collection, Mapping

from sqlalchemy import Connection, select

from tameflare.control.store.tables import agents, gateways


def names_of(connection: Connection, ids: Collection[str]) -> Mapping[str, str]:
    """Names of those agents and gateways that still exist, by id."""
    found: dict[str, str] = {}
    for table in (agents, gateways):
        rows = connection.execute(select(table.c.id, table.c.name).where(table.c.id.in_(ids)))
        found.update({row.id: row.name for row in rows})
    return found


def agent_ids(connection: Connection, word: str) -> tuple[str, ...]:
    """Ids of the agents with this name, under any gateway, or this id; the word itself, as an agent may be gone."""
    return (word, *connection.scalars(select(agents.c.id).where(agents.c.name == word)))


def gateway_ids(connection: Connection, word: str) -> tuple[str, ...]:
    """Ids of the gateway with this name or id; the word itself, as a gateway may be gone."""
    return (word, *connection.scalars(select(gateways.c.id).where(gateways.c.name == word)))
