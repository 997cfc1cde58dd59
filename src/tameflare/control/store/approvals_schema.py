"""Tables of approvals. Names of gateways, agents and people stand beside their ids: an approval outlives them."""

from __future__ import annotations

from typing import Final

from sqlalchemy import JSON, Boolean, Column, ForeignKey, Index, Integer, String, Table, text

from tameflare.control.store.tables import metadata

_OPEN: Final = text("status IN ('pending', 'approved')")


def _of_an_approval(*, primary_key: bool = False) -> Column[str]:
    reference = ForeignKey("approvals.id", ondelete="CASCADE")
    return Column("approval_id", String, reference, nullable=False, primary_key=primary_key, index=not primary_key)


# `held` is the JSON of link.approvals.Held. `expires_at` is null once it is answered for good. `revision` rises with
# each change of any approval. `taken_*` is the one request that was let go. At most one is open for one thing.
approvals = Table(
    "approvals",
    metadata,
    Column("id", String, primary_key=True),
    Column("gateway_id", String, nullable=False),
    Column("gateway", String, nullable=False),
    Column("agent_id", String, nullable=False),
    Column("agent", String, nullable=False),
    Column("connector", String, nullable=False),
    Column("digest", String, nullable=False),
    Column("held", JSON, nullable=False),
    Column("requirement", JSON, nullable=False),
    Column("configuration", Integer, nullable=False),
    Column("excluded", JSON, nullable=False),
    Column("status", String, nullable=False),
    Column("raised_at", Integer, nullable=False),
    Column("deadline", Integer, nullable=False),
    Column("expires_at", Integer, index=True),
    Column("answered_at", Integer),
    Column("reason", String, nullable=False),
    Column("message", String, nullable=False),
    Column("taken_proxy", String),
    Column("taken_request", String),
    Column("taken_epoch", String),
    Column("outcome_status", Integer),
    Column("outcome_latency_us", Integer),
    Column("revision", Integer, nullable=False, unique=True),
    Index(
        "ix_approvals_open",
        "gateway_id",
        "agent_id",
        "digest",
        unique=True,
        sqlite_where=_OPEN,
        postgresql_where=_OPEN,
    ),
    Index("ix_approvals_raised_at", "raised_at", "id"),
    Index("ix_approvals_status", "status"),
)

# Every request that was ever held for an approval; `epoch` is the life of the proxy in which it came.
approval_requests = Table(
    "approval_requests",
    metadata,
    Column("proxy_id", String, primary_key=True),
    Column("request_id", String, primary_key=True),
    _of_an_approval(),
    Column("epoch", String, nullable=False),
    Column("waiting", Boolean, nullable=False),
    Column("place", Integer, nullable=False),
)

approval_votes = Table(
    "approval_votes",
    metadata,
    _of_an_approval(primary_key=True),
    Column("user_id", String, primary_key=True),
    Column("name", String, nullable=False),
    Column("approve", Boolean, nullable=False),
    Column("reason", String, nullable=False),
    Column("remember", String, nullable=False),
    Column("at", Integer, nullable=False),
)

# Lives of proxies in the order in which they were first heard of.
proxy_epochs = Table(
    "proxy_epochs",
    metadata,
    Column("number", Integer, primary_key=True, autoincrement=True),
    Column("proxy_id", String, ForeignKey("proxies.id", ondelete="CASCADE"), nullable=False),
    Column("epoch", String, nullable=False),
    Index("ix_proxy_epochs_proxy_id", "proxy_id", "epoch", unique=True),
    sqlite_autoincrement=True,
)

# Answers that stand for later requests; `actions` are pairs of type and resource, `people` ids of those who agreed and
# `names` how they are called. `fingerprint` is that of the rules which they agreed under.
remembered_approvals = Table(
    "remembered_approvals",
    metadata,
    Column("id", String, primary_key=True),
    Column("approval_id", String, nullable=False),
    Column("gateway_id", String, ForeignKey("gateways.id", ondelete="CASCADE"), nullable=False, index=True),
    Column("agent", String, nullable=False),
    Column("connector", String, nullable=False),
    Column("actions", JSON, nullable=False),
    Column("run", String, nullable=False),
    Column("fingerprint", String, nullable=False),
    Column("people", JSON, nullable=False),
    Column("names", JSON, nullable=False),
    Column("created_at", Integer, nullable=False),
    Column("expires_at", Integer, nullable=False),
)
