"""Approvals, votes, what is remembered of them, terms of approval on rules, and who made agents and proxy tokens."""

from __future__ import annotations

from typing import Final

import sqlalchemy as sa
from alembic import op

revision: Final = "0005_approvals"
down_revision: Final = "0004_connector_strict_mask"


def upgrade() -> None:
    _additions()
    _approvals()
    _requests_and_votes()
    _remembered()


def _additions() -> None:
    op.add_column("rules", sa.Column("approval", sa.JSON(none_as_null=True), nullable=True))
    op.add_column("agents", sa.Column("created_by", sa.String(), nullable=True))
    op.add_column("gateway_tokens", sa.Column("created_by", sa.String(), nullable=True))
    op.create_table(
        "proxy_epochs",
        sa.Column("number", sa.Integer(), autoincrement=True, nullable=False),
        sa.Column("proxy_id", sa.String(), nullable=False),
        sa.Column("epoch", sa.String(), nullable=False),
        sa.ForeignKeyConstraint(
            ["proxy_id"], ["proxies.id"], name=op.f("fk_proxy_epochs_proxy_id_proxies"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("number", name=op.f("pk_proxy_epochs")),
        sqlite_autoincrement=True,
    )
    op.create_index("ix_proxy_epochs_proxy_id", "proxy_epochs", ["proxy_id", "epoch"], unique=True)


def _approvals() -> None:
    op.create_table(
        "approvals",
        sa.Column("id", sa.String(), nullable=False),
        sa.Column("gateway_id", sa.String(), nullable=False),
        sa.Column("gateway", sa.String(), nullable=False),
        sa.Column("agent_id", sa.String(), nullable=False),
        sa.Column("agent", sa.String(), nullable=False),
        sa.Column("connector", sa.String(), nullable=False),
        sa.Column("digest", sa.String(), nullable=False),
        sa.Column("held", sa.JSON(), nullable=False),
        sa.Column("requirement", sa.JSON(), nullable=False),
        sa.Column("configuration", sa.Integer(), nullable=False),
        sa.Column("excluded", sa.JSON(), nullable=False),
        sa.Column("status", sa.String(), nullable=False),
        sa.Column("raised_at", sa.Integer(), nullable=False),
        sa.Column("deadline", sa.Integer(), nullable=False),
        sa.Column("expires_at", sa.Integer(), nullable=True),
        sa.Column("answered_at", sa.Integer(), nullable=True),
        sa.Column("reason", sa.String(), nullable=False),
        sa.Column("message", sa.String(), nullable=False),
        sa.Column("taken_proxy", sa.String(), nullable=True),
        sa.Column("taken_request", sa.String(), nullable=True),
        sa.Column("taken_epoch", sa.String(), nullable=True),
        sa.Column("outcome_status", sa.Integer(), nullable=True),
        sa.Column("outcome_latency_us", sa.Integer(), nullable=True),
        sa.Column("revision", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_approvals")),
        sa.UniqueConstraint("revision", name=op.f("uq_approvals_revision")),
    )
    op.create_index(op.f("ix_approvals_expires_at"), "approvals", ["expires_at"], unique=False)
    op.create_index("ix_approvals_raised_at", "approvals", ["raised_at", "id"], unique=False)
    op.create_index("ix_approvals_status", "approvals", ["status"], unique=False)
    op.create_index(
        "ix_approvals_open",
        "approvals",
        ["gateway_id", "agent_id", "digest"],
        unique=True,
        sqlite_where=sa.text("status IN ('pending', 'approved')"),
        postgresql_where=sa.text("status IN ('pending', 'approved')"),
    )


def _requests_and_votes() -> None:
    op.create_table(
        "approval_requests",
        sa.Column("proxy_id", sa.String(), nullable=False),
        sa.Column("request_id", sa.String(), nullable=False),
        sa.Column("approval_id", sa.String(), nullable=False),
        sa.Column("epoch", sa.String(), nullable=False),
        sa.Column("waiting", sa.Boolean(), nullable=False),
        sa.Column("place", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(
            ["approval_id"],
            ["approvals.id"],
            name=op.f("fk_approval_requests_approval_id_approvals"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("proxy_id", "request_id", name=op.f("pk_approval_requests")),
    )
    op.create_index(op.f("ix_approval_requests_approval_id"), "approval_requests", ["approval_id"], unique=False)
    op.create_table(
        "approval_votes",
        sa.Column("approval_id", sa.String(), nullable=False),
        sa.Column("user_id", sa.String(), nullable=False),
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("approve", sa.Boolean(), nullable=False),
        sa.Column("reason", sa.String(), nullable=False),
        sa.Column("remember", sa.String(), nullable=False),
        sa.Column("at", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(
            ["approval_id"], ["approvals.id"], name=op.f("fk_approval_votes_approval_id_approvals"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("approval_id", "user_id", name=op.f("pk_approval_votes")),
    )


def _remembered() -> None:
    op.create_table(
        "remembered_approvals",
        sa.Column("id", sa.String(), nullable=False),
        sa.Column("approval_id", sa.String(), nullable=False),
        sa.Column("gateway_id", sa.String(), nullable=False),
        sa.Column("agent", sa.String(), nullable=False),
        sa.Column("connector", sa.String(), nullable=False),
        sa.Column("actions", sa.JSON(), nullable=False),
        sa.Column("run", sa.String(), nullable=False),
        sa.Column("fingerprint", sa.String(), nullable=False),
        sa.Column("people", sa.JSON(), nullable=False),
        sa.Column("names", sa.JSON(), nullable=False),
        sa.Column("created_at", sa.Integer(), nullable=False),
        sa.Column("expires_at", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(
            ["gateway_id"],
            ["gateways.id"],
            name=op.f("fk_remembered_approvals_gateway_id_gateways"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_remembered_approvals")),
    )
    op.create_index(op.f("ix_remembered_approvals_gateway_id"), "remembered_approvals", ["gateway_id"], unique=False)
