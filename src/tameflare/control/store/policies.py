"""Policies and every version of them that was ever stored."""

from __future__ import annotations

from collections.abc import Sequence
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


class Named(msgspec.Struct, frozen=True):
    """A name that was used; `version` is the newest number, `deleted_at` None while there is such a policy."""

    id: str
    name: str
    version: int
    deleted_at: int | None = None


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


def names(connection: Connection) -> dict[str, Named]:
    """Every name that was ever used."""
    return {found.name: found for found in every(connection, select(policies), Named)}


def add(connection: Connection, new: Sequence[tuple[str, str, Version]]) -> None:
    """Policies of new names: id, name, first version. Raises Conflict where a name was used before."""
    if new:
        rows = [
            {"id": policy_id, "name": name, "version": first.version, "changed_at": first.created_at, "enabled": True}
            for policy_id, name, first in new
        ]
        connection.execute(insert(policies), rows)
        _add_versions(connection, [(policy_id, first) for policy_id, _, first in new])


def advance(connection: Connection, newer: Sequence[tuple[Named, Version]]) -> None:
    """Make these the newest versions. A policy that was deleted exists again, and is switched on."""
    for policy, version in newer:
        values = {"version": version.version, "changed_at": version.created_at, "deleted_at": None}
        change(connection, policy.id, values | ({} if policy.deleted_at is None else {"enabled": True}))
    if newer:
        _add_versions(connection, [(policy.id, version) for policy, version in newer])


def _add_versions(connection: Connection, new: Sequence[tuple[str, Version]]) -> None:
    rows = [{"policy_id": policy_id, **columns(version)} for policy_id, version in new]
    connection.execute(insert(policy_versions), rows)


def change(connection: Connection, policy_id: str, values: dict[str, Any]) -> None:
    connection.execute(update(policies).where(policies.c.id == policy_id).values(**values))
