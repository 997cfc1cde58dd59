"""Proxy processes that may take part in the link."""

from __future__ import annotations

from collections.abc import Iterable

import msgspec
from sqlalchemy import Connection, delete, insert, select, update

from tameflare.control.store.rows import columns, every, one
from tameflare.control.store.tables import gateways, proxies, proxy_gateways


class Proxy(msgspec.Struct, frozen=True):
    """`digest` of its link token. `serves_all`: every gateway, else those assigned. `last_seen` in Unix seconds,
    `version` the configuration it was last given, `backlog` bytes of records that waited when it last said so."""

    id: str
    name: str
    digest: str
    serves_all: bool
    created_at: int
    last_seen: int | None = None
    version: int = 0
    backlog: int = 0


def add(connection: Connection, proxy: Proxy, gateway_ids: Iterable[str]) -> None:
    """Raises Conflict where the name is taken."""
    connection.execute(insert(proxies).values(**columns(proxy)))
    for gateway_id in gateway_ids:
        connection.execute(insert(proxy_gateways).values(proxy_id=proxy.id, gateway_id=gateway_id))


def listed(connection: Connection) -> list[Proxy]:
    return every(connection, select(proxies).order_by(proxies.c.name), Proxy)


def by_name(connection: Connection, name: str) -> Proxy | None:
    return one(connection, select(proxies).where(proxies.c.name == name), Proxy)


def by_digest(connection: Connection, digest: str) -> Proxy | None:
    return one(connection, select(proxies).where(proxies.c.digest == digest), Proxy)


def gateway_names(connection: Connection, proxy_id: str) -> dict[str, str]:
    """Names of the gateways assigned to a proxy, by id."""
    query = select(gateways.c.id, gateways.c.name).join(proxy_gateways, proxy_gateways.c.gateway_id == gateways.c.id)
    found = connection.execute(query.where(proxy_gateways.c.proxy_id == proxy_id).order_by(gateways.c.name))
    return {row.id: row.name for row in found}


def rotate(connection: Connection, proxy_id: str, digest: str) -> None:
    """The old link token is refused from now on."""
    connection.execute(update(proxies).where(proxies.c.id == proxy_id).values(digest=digest))


def seen(connection: Connection, proxy_id: str, now: int, version: int | None, backlog: int | None) -> None:
    """Note that a proxy was heard of; None leaves what was known."""
    told = {"last_seen": now, "version": version, "backlog": backlog}
    values = {name: value for name, value in told.items() if value is not None}
    connection.execute(update(proxies).where(proxies.c.id == proxy_id).values(**values))


def remove(connection: Connection, proxy_id: str) -> None:
    connection.execute(delete(proxies).where(proxies.c.id == proxy_id))
