"""Tables of agent keys and of actions asked for by the decision API.

Names of gateways and agents stand beside their ids in `action_requests`: a record outlives them.
"""

from __future__ import annotations

from typing import Final

from sqlalchemy import JSON, Boolean, Column, ForeignKey, Index, Integer, String, Table, text

from tameflare.control.store.tables import metadata

_KEYED: Final = text("idempotency_key IS NOT NULL")
_READY: Final = text("status IN ('allowed', 'approved')")
_WAITING: Final = text("status = 'pending_approval'")

# `prefix` is what a key is found by, `hash` its bcrypt hash. `expires_at` null: for ever.
agent_keys = Table(
    "agent_keys",
    metadata,
    Column("id", String, primary_key=True),
    Column("agent_id", String, ForeignKey("agents.id", ondelete="CASCADE"), nullable=False, index=True),
    Column("name", String, nullable=False),
    Column("kind", String, nullable=False),
    Column("prefix", String, nullable=False, unique=True),
    Column("hash", String, nullable=False),
    Column("created_at", Integer, nullable=False),
    Column("created_by", String),
    Column("expires_at", Integer),
    Column("last_used_at", Integer),
)

# `id` rises with time. `spec_hash` is that of type, resource and parameters; `configuration` the version that it was
# judged by; `expires_at` is null once it has ended.
action_requests = Table(
    "action_requests",
    metadata,
    Column("id", String, primary_key=True),
    Column("gateway_id", String, nullable=False),
    Column("gateway", String, nullable=False),
    Column("agent_id", String, nullable=False),
    Column("agent", String, nullable=False),
    Column("key_id", String, nullable=False),
    Column("kind", String, nullable=False),
    Column("connector", String, nullable=False),
    Column("type", String, nullable=False),
    Column("resource", JSON, nullable=False),
    Column("parameters", JSON, nullable=False),
    Column("risk_hints", JSON, nullable=False),
    Column("risk", String, nullable=False),
    Column("effect", String, nullable=False),
    Column("spec_hash", String, nullable=False),
    Column("webhook_url", String, nullable=False),
    Column("status", String, nullable=False),
    Column("decision", String, nullable=False),
    Column("would_be", String, nullable=False),
    Column("enforced", Boolean, nullable=False),
    Column("reason", String, nullable=False),
    Column("message", String, nullable=False),
    Column("risk_score", Integer, nullable=False),
    Column("matched", JSON, nullable=False),
    Column("approval_id", String),
    Column("idempotency_key", String),
    Column("body_hash", String, nullable=False),
    Column("configuration", Integer, nullable=False),
    Column("created_at", Integer, nullable=False),
    Column("changed_at", Integer, nullable=False),
    Column("expires_at", Integer),
    Column("taken_at", Integer),
    Column("outcome", JSON(none_as_null=True)),
    Index("ix_action_requests_agent_id", "agent_id", "id"),
    Index(
        "ix_action_requests_idempotency_key",
        "agent_id",
        "idempotency_key",
        unique=True,
        sqlite_where=_KEYED,
        postgresql_where=_KEYED,
    ),
    Index("ix_action_requests_expires_at", "expires_at", sqlite_where=_READY, postgresql_where=_READY),
    Index("ix_action_requests_approval_id", "approval_id", sqlite_where=_WAITING, postgresql_where=_WAITING),
)
