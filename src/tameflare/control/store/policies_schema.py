"""Tables of policies. Names of people stand beside their ids: what somebody wrote outlives him."""

from __future__ import annotations

from typing import Final

from sqlalchemy import JSON, Boolean, Column, ForeignKey, Integer, String, Table, true

from tameflare.control.store.tables import metadata

# One row per name that was ever used, so that the number of a version is never given twice. `version` is the newest;
# `enabled` is the switch beside the source; `deleted_at` is null while it exists.
policies: Final = Table(
    "policies",
    metadata,
    Column("id", String, primary_key=True),
    Column("name", String, nullable=False, unique=True),
    Column("version", Integer, nullable=False),
    Column("enabled", Boolean, nullable=False, server_default=true()),
    Column("changed_at", Integer, nullable=False),
    Column("deleted_at", Integer),
)

# Every version that was ever stored; never changed. `scope` is the JSON of core.policy.model.Scope as it compiled then.
# `active` is what the source says of `enabled`. `origin` is `saved`, or `restored N`.
policy_versions: Final = Table(
    "policy_versions",
    metadata,
    Column("policy_id", String, ForeignKey("policies.id", ondelete="CASCADE"), primary_key=True),
    Column("version", Integer, primary_key=True),
    Column("source", String, nullable=False),
    Column("scope", JSON(none_as_null=True)),
    Column("active", Boolean, nullable=False),
    Column("priority", Integer, nullable=False),
    Column("rules", Integer, nullable=False),
    Column("description", String, nullable=False),
    Column("origin", String, nullable=False),
    Column("created_at", Integer, nullable=False),
    Column("created_by", String, nullable=False),
    Column("author", String, nullable=False),
)
