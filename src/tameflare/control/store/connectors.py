"""Connector instances under gateways."""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import Connection, delete, insert, select, update

from tameflare.control.store.rows import among, columns, every, one
from tameflare.control.store.tables import connectors
from tameflare.core.config import ConnectorConfig


class StoredConnector(ConnectorConfig, frozen=True, kw_only=True):
    gateway_id: str
    created_at: int


def add(connection: Connection, connector: StoredConnector) -> None:
    """Raises Conflict where the gateway has a connector of that name."""
    connection.execute(insert(connectors).values(**columns(connector)))


def of_gateway(connection: Connection, gateway_id: str) -> list[StoredConnector]:
    query = select(connectors).where(connectors.c.gateway_id == gateway_id)
    return every(connection, query.order_by(connectors.c.name), StoredConnector)


def of_gateways(connection: Connection, gateway_ids: Sequence[str] | None) -> list[StoredConnector]:
    query = among(select(connectors), connectors.c.gateway_id, gateway_ids)
    return every(connection, query.order_by(connectors.c.name), StoredConnector)


def everywhere(connection: Connection) -> list[StoredConnector]:
    return every(connection, select(connectors).order_by(connectors.c.name), StoredConnector)


def by_name(connection: Connection, gateway_id: str, name: str) -> StoredConnector | None:
    wanted = (connectors.c.gateway_id == gateway_id) & (connectors.c.name == name)
    return one(connection, select(connectors).where(wanted), StoredConnector)


def replace(connection: Connection, connector: StoredConnector) -> None:
    """Write every column of a connector that exists."""
    connection.execute(update(connectors).where(connectors.c.id == connector.id).values(**columns(connector)))


def remove(connection: Connection, connector_id: str) -> None:
    """Its credential and rules go with it."""
    connection.execute(delete(connectors).where(connectors.c.id == connector_id))
