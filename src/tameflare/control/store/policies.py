"""Policies and every version of them that was ever stored."""

from __future__ import annotations

from typing import Any

import msgspec
from sqlalchemy import Connection, Select, func, insert, select, update

from tameflare.control.store.policies_schema import policies, policy_versions
from tameflare.control.store.rows import columns, every, one
from tameflare.core.config import PolicyConfig
from tameflare.core.policy.model import Scope


class Version(msgspec.Struct, frozen=True):
    """One version; `scope` None: it was not readable. `active` is what the source says of `enabled`."""

    version: int
    source: str
    scope: Scope | None
    active: bool
    priority: int
    rules: int
    description: str
    origin: str
    created_at: int
    created_by: str
    author: str


class Policy(Version, frozen=True, kw_only=True):
    """A policy at its newest version. `enabled` is the switch beside the source, `changed_at` when it was last touched.

    `deleted_at` is None while it exists.
    """

    id: str
    name: str
    enabled: bool
    changed_at: int
    deleted_at: int | None = None

    @property
    def in_force(self) -> bool:
        return self.enabled and self.active and self.deleted_at is None


class Scoped(msgspec.Struct, frozen=True):
    """A policy without its text."""

    id: str
    version: int
    scope: Scope | None


_NEWEST = (policy_versions.c.policy_id == policies.c.id) & (policy_versions.c.version == policies.c.version)
_IN_FORCE = policies.c.deleted_at.is_(None) & policies.c.enabled & policy_versions.c.active


def _joined() -> Select[Any]:
    shared = [column for column in policy_versions.c if column.name not in ("policy_id", "version")]
    return select(policies, *shared).join(policy_versions, _NEWEST)


def listed(connection: Connection) -> list[Policy]:
    """Those that exist, by name."""
    return every(connection, _joined().where(policies.c.deleted_at.is_(None)).order_by(policies.c.name), Policy)


def in_force(connection: Connection) -> list[PolicyConfig]:
    """What judges, by name."""
    query = (
        select(policies.c.id, policies.c.name, policies.c.version, policy_versions.c.source, policy_versions.c.scope)
        .join(policy_versions, _NEWEST)
        .where(_IN_FORCE)
        .order_by(policies.c.name)
    )
    return every(connection, query, PolicyConfig)


def scopes(connection: Connection) -> list[Scoped]:
    """What the policies in force are about, by name."""
    query = select(policies.c.id, policies.c.version, policy_versions.c.scope).join(policy_versions, _NEWEST)
    return every(connection, query.where(_IN_FORCE).order_by(policies.c.name), Scoped)


def by_name(connection: Connection, name: str) -> Policy | None:
    """Also one that was deleted."""
    return one(connection, _joined().where(policies.c.name == name), Policy)


def count(connection: Connection) -> int:
    """How many exist."""
    found = connection.scalar(select(func.count()).select_from(policies).where(policies.c.deleted_at.is_(None)))
    return found or 0


def versions(connection: Connection, policy_id: str) -> list[Version]:
    """Newest first."""
    query = select(policy_versions).where(policy_versions.c.policy_id == policy_id)
    return every(connection, query.order_by(policy_versions.c.version.desc()), Version)


def version_of(connection: Connection, policy_id: str, number: int) -> Version | None:
    wanted = (policy_versions.c.policy_id == policy_id) & (policy_versions.c.version == number)
    return one(connection, select(policy_versions).where(wanted), Version)


def add(connection: Connection, policy_id: str, name: str, version: Version) -> None:
    """A policy of a new name. Raises Conflict where the name was used before."""
    row = {"id": policy_id, "name": name, "version": version.version, "changed_at": version.created_at}
    connection.execute(insert(policies).values(**row, enabled=True))
    _add_version(connection, policy_id, version)


def advance(connection: Connection, policy: Policy, version: Version) -> None:
    """Make this the newest version. A policy that was deleted exists again, and is switched on."""
    values = {"version": version.version, "changed_at": version.created_at, "deleted_at": None}
    change(connection, policy.id, values | ({} if policy.deleted_at is None else {"enabled": True}))
    _add_version(connection, policy.id, version)


def _add_version(connection: Connection, policy_id: str, version: Version) -> None:
    connection.execute(insert(policy_versions).values(policy_id=policy_id, **columns(version)))


def change(connection: Connection, policy_id: str, values: dict[str, Any]) -> None:
    connection.execute(update(policies).where(policies.c.id == policy_id).values(**values))
