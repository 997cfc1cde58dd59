"""Gateways and their proxy tokens."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import msgspec
from sqlalchemy import Connection, delete, insert, select, update

from tameflare.control.store.rows import among, columns, every, one
from tameflare.control.store.tables import gateway_tokens, gateways
from tameflare.core.decision import EnforcementLevel


class Gateway(msgspec.Struct, frozen=True):
    id: str
    name: str
    level: EnforcementLevel
    rate_limit_per_minute: int
    created_at: int
    policy_only: bool = False


class GatewayToken(msgspec.Struct, frozen=True):
    id: str
    gateway_id: str
    name: str
    digest: str
    created_at: int
    expires_at: int | None = None
    created_by: str | None = None


def add(connection: Connection, gateway: Gateway) -> None:
    """Raises Conflict where the name is taken."""
    connection.execute(insert(gateways).values(**columns(gateway)))


def listed(connection: Connection) -> list[Gateway]:
    return every(connection, select(gateways).order_by(gateways.c.name), Gateway)


def by_name(connection: Connection, name: str) -> Gateway | None:
    return one(connection, select(gateways).where(gateways.c.name == name), Gateway)


def by_id(connection: Connection, gateway_id: str) -> Gateway | None:
    return one(connection, select(gateways).where(gateways.c.id == gateway_id), Gateway)


def change(connection: Connection, gateway_id: str, values: dict[str, Any]) -> None:
    connection.execute(update(gateways).where(gateways.c.id == gateway_id).values(**values))


def remove(connection: Connection, gateway_id: str) -> None:
    """Agents, connectors, credentials, rules and tokens go with it."""
    connection.execute(delete(gateways).where(gateways.c.id == gateway_id))


def add_token(connection: Connection, token: GatewayToken) -> None:
    connection.execute(insert(gateway_tokens).values(**columns(token)))


def tokens(connection: Connection, gateway_id: str) -> list[GatewayToken]:
    query = select(gateway_tokens).where(gateway_tokens.c.gateway_id == gateway_id)
    return every(connection, query.order_by(gateway_tokens.c.created_at, gateway_tokens.c.id), GatewayToken)


def tokens_of(connection: Connection, gateway_ids: Sequence[str] | None) -> list[GatewayToken]:
    """Those of several gateways; None: of all. So with the other nouns of a gateway."""
    query = among(select(gateway_tokens), gateway_tokens.c.gateway_id, gateway_ids)
    return every(connection, query.order_by(gateway_tokens.c.created_at, gateway_tokens.c.id), GatewayToken)


def token_by_id(connection: Connection, token_id: str) -> GatewayToken | None:
    return one(connection, select(gateway_tokens).where(gateway_tokens.c.id == token_id), GatewayToken)


def remove_token(connection: Connection, gateway_id: str, token_id: str) -> bool:
    """Whether that gateway had such a token."""
    wanted = (gateway_tokens.c.id == token_id) & (gateway_tokens.c.gateway_id == gateway_id)
    return connection.execute(delete(gateway_tokens).where(wanted)).rowcount > 0
