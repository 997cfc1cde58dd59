"""Sealed credentials of connectors, at most one each."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec
from sqlalchemy import Connection, delete, insert, select

from tameflare.control.store.rows import among, columns, every, one
from tameflare.control.store.tables import connectors, credentials


class Credential(msgspec.Struct, frozen=True):
    """`value` as the vault sealed it."""

    id: str
    connector_id: str
    value: str
    username: str
    changed_at: int


def put(connection: Connection, credential: Credential) -> None:
    """Store the connector's credential; an earlier one is gone."""
    remove(connection, credential.connector_id)
    connection.execute(insert(credentials).values(**columns(credential)))


def of_connector(connection: Connection, connector_id: str) -> Credential | None:
    return one(connection, select(credentials).where(credentials.c.connector_id == connector_id), Credential)


def of_gateways(connection: Connection, gateway_ids: Sequence[str] | None) -> list[Credential]:
    joined = select(credentials).join(connectors, connectors.c.id == credentials.c.connector_id)
    return every(connection, among(joined, connectors.c.gateway_id, gateway_ids), Credential)


def remove(connection: Connection, connector_id: str) -> bool:
    """Whether there was one."""
    return connection.execute(delete(credentials).where(credentials.c.connector_id == connector_id)).rowcount > 0
