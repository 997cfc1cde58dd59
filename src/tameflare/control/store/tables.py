"""Tables of `tameflare.db`. Times are Unix seconds; `id` columns hold random text that never changes.

Columns marked sealed hold what `services/vault.py` wrote: `enc:v2:…`, or plain text where no master key is set.
"""

from __future__ import annotations

from typing import Final

from sqlalchemy import JSON, Boolean, Column, ForeignKey, Integer, MetaData, String, Table, UniqueConstraint, false

metadata: Final = MetaData(
    naming_convention={
        "ix": "ix_%(column_0_label)s",
        "uq": "uq_%(table_name)s_%(column_0_name)s",
        "fk": "fk_%(table_name)s_%(column_0_name)s_%(referred_table_name)s",
        "pk": "pk_%(table_name)s",
    }
)


def _owned_by(table: str) -> Column[str]:
    return Column(f"{table}_id", String, ForeignKey(f"{table}s.id", ondelete="CASCADE"), nullable=False, index=True)


# One row per name: `configuration` (the published version), keys of the installation (sealed).
meta = Table(
    "meta",
    metadata,
    Column("name", String, primary_key=True),
    Column("value", String, nullable=False),
    Column("changed_at", Integer, nullable=False),
)

# `founder` is 1 for the first owner and null for everybody else: its unique constraint decides a race of first
# registrations.
users = Table(
    "users",
    metadata,
    Column("id", String, primary_key=True),
    Column("name", String, nullable=False),
    Column("email", String, nullable=False, unique=True),
    Column("role", String, nullable=False),
    Column("status", String, nullable=False, server_default="active"),
    Column("password_hash", String, nullable=False),
    Column("founder", Integer, unique=True),
    Column("created_at", Integer, nullable=False),
)

# Personal access tokens; `scopes` is a list of words.
personal_tokens = Table(
    "personal_tokens",
    metadata,
    Column("id", String, primary_key=True),
    _owned_by("user"),
    Column("name", String, nullable=False),
    Column("digest", String, nullable=False, unique=True),
    Column("scopes", JSON, nullable=False),
    Column("created_at", Integer, nullable=False),
    Column("expires_at", Integer, nullable=False),
    Column("last_used_at", Integer),
)

# Log-ins in the browser; `role` is the one that the user had then.
sessions = Table(
    "sessions",
    metadata,
    Column("id", String, primary_key=True),
    _owned_by("user"),
    Column("digest", String, nullable=False, unique=True),
    Column("role", String, nullable=False),
    Column("created_at", Integer, nullable=False),
    Column("seen_at", Integer, nullable=False),
)

gateways = Table(
    "gateways",
    metadata,
    Column("id", String, primary_key=True),
    Column("name", String, nullable=False, unique=True),
    Column("level", String, nullable=False),
    Column("rate_limit_per_minute", Integer, nullable=False),
    Column("policy_only", Boolean, nullable=False, server_default=false()),
    Column("created_at", Integer, nullable=False),
)

# Proxy tokens of gateways; `expires_at` null: for ever. `created_by` is the id of a user, here and below.
gateway_tokens = Table(
    "gateway_tokens",
    metadata,
    Column("id", String, primary_key=True),
    _owned_by("gateway"),
    Column("name", String, nullable=False),
    Column("digest", String, nullable=False, unique=True),
    Column("created_at", Integer, nullable=False),
    Column("expires_at", Integer),
    Column("created_by", String),
)

agents = Table(
    "agents",
    metadata,
    Column("id", String, primary_key=True),
    _owned_by("gateway"),
    Column("name", String, nullable=False),
    Column("environment", String, nullable=False),
    Column("status", String, nullable=False),
    Column("created_at", Integer, nullable=False),
    Column("created_by", String),
    UniqueConstraint("gateway_id", "name"),
)

connectors = Table(
    "connectors",
    metadata,
    Column("id", String, primary_key=True),
    _owned_by("gateway"),
    Column("name", String, nullable=False),
    Column("type", String, nullable=False),
    Column("domains", JSON, nullable=False),
    Column("ports", JSON, nullable=False),
    Column("auth", String, nullable=False),
    Column("auth_name", String, nullable=False),
    Column("credential", String, nullable=False),
    Column("allow_addresses", JSON, nullable=False),
    Column("allow_plaintext", Boolean, nullable=False),
    Column("identify", Boolean, nullable=False),
    Column("record", JSON, nullable=False),
    Column("paths", JSON, nullable=False, server_default="[]"),
    Column("strict_mask", Boolean, nullable=False, server_default=false()),
    Column("created_at", Integer, nullable=False),
    UniqueConstraint("gateway_id", "name"),
)

# At most one credential per connector; `value` is sealed.
credentials = Table(
    "credentials",
    metadata,
    Column("id", String, primary_key=True),
    Column("connector_id", String, ForeignKey("connectors.id", ondelete="CASCADE"), nullable=False, unique=True),
    Column("value", String, nullable=False),
    Column("username", String, nullable=False),
    Column("changed_at", Integer, nullable=False),
)

# Access rules; `effect` is empty where a rule is for every effect (null would escape the unique constraint).
# `approval` is the JSON of core.approval.Requirement, null: anybody who may.
rules = Table(
    "rules",
    metadata,
    Column("id", String, primary_key=True),
    Column("gateway_id", String, ForeignKey("gateways.id", ondelete="CASCADE"), nullable=False, index=True),
    Column("connector_id", String, ForeignKey("connectors.id", ondelete="CASCADE"), nullable=False),
    Column("pattern", String, nullable=False),
    Column("decision", String, nullable=False),
    Column("effect", String, nullable=False),
    Column("created_at", Integer, nullable=False),
    Column("approval", JSON(none_as_null=True)),
    UniqueConstraint("connector_id", "pattern", "effect"),
)

# Kill switches that are on; `target` is a connector's or gateway's name or an agent's id, empty for `all`.
kill_switches = Table(
    "kill_switches",
    metadata,
    Column("kind", String, primary_key=True),
    Column("target", String, primary_key=True),
    Column("reason", String, nullable=False),
    Column("since", Integer, nullable=False),
    Column("by", String, nullable=False),
)

# Proxy processes; `digest` is that of the link token. `serves_all`: every gateway, else those in proxy_gateways.
proxies = Table(
    "proxies",
    metadata,
    Column("id", String, primary_key=True),
    Column("name", String, nullable=False, unique=True),
    Column("digest", String, nullable=False, unique=True),
    Column("serves_all", Boolean, nullable=False),
    Column("created_at", Integer, nullable=False),
    Column("last_seen", Integer),
    Column("version", Integer, nullable=False, server_default="0"),
    Column("backlog", Integer, nullable=False, server_default="0"),
)

proxy_gateways = Table(
    "proxy_gateways",
    metadata,
    Column("proxy_id", String, ForeignKey("proxies.id", ondelete="CASCADE"), primary_key=True),
    Column("gateway_id", String, ForeignKey("gateways.id", ondelete="CASCADE"), primary_key=True),
)
