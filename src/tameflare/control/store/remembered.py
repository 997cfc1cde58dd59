"""Answers of people that stand for later requests of the same kind, for a while."""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import Connection, delete, insert, select

from tameflare.control.store.approvals_schema import remembered_approvals as remembered
from tameflare.control.store.rows import among, columns, every
from tameflare.core.approval import RememberedApproval


class StoredMemory(RememberedApproval, frozen=True, kw_only=True):
    """`people` are ids of those who agreed, `names` how they are called."""

    approval_id: str
    gateway_id: str
    fingerprint: str
    people: tuple[str, ...]
    names: tuple[str, ...]
    created_at: int


def add(connection: Connection, memory: StoredMemory) -> None:
    connection.execute(insert(remembered).values(**columns(memory)))


def of_gateways(connection: Connection, gateway_ids: Sequence[str] | None, now: int) -> list[StoredMemory]:
    """Those that still stand, oldest first."""
    query = among(select(remembered).where(remembered.c.expires_at > now), remembered.c.gateway_id, gateway_ids)
    return every(connection, query.order_by(remembered.c.created_at, remembered.c.id), StoredMemory)


def everywhere(connection: Connection) -> list[StoredMemory]:
    return every(connection, select(remembered).order_by(remembered.c.created_at, remembered.c.id), StoredMemory)


def remove(connection: Connection, *ids: str) -> int:
    """How many of them there were."""
    return connection.execute(delete(remembered).where(remembered.c.id.in_(ids))).rowcount
