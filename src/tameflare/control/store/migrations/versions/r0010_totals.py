"""Running totals that policies compare."""

from __future__ import annotations

from typing import Final

import sqlalchemy as sa
from alembic import op

revision: Final = "0010_totals"
down_revision: Final = "0009_decision_tokens"


def upgrade() -> None:
    op.create_table(
        "total_requests",
        sa.Column("holder", sa.String(), nullable=False),
        sa.Column("request", sa.String(), nullable=False),
        sa.Column("state", sa.String(), nullable=False),
        sa.Column("changed_at", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("holder", "request", name=op.f("pk_total_requests")),
    )
    op.create_index("ix_total_requests_state", "total_requests", ["state", "holder"], unique=False)
    op.create_table(
        "total_entries",
        sa.Column("holder", sa.String(), nullable=False),
        sa.Column("request", sa.String(), nullable=False),
        sa.Column("key", sa.String(), nullable=False),
        sa.Column("amount", sa.String(), nullable=False),
        sa.Column("ends", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("holder", "request", "key", name=op.f("pk_total_entries")),
    )
    op.create_index("ix_total_entries_key", "total_entries", ["key", "ends"], unique=False)
    op.create_table(
        "total_sums",
        sa.Column("key", sa.String(), nullable=False),
        sa.Column("amount", sa.String(), nullable=False),
        sa.PrimaryKeyConstraint("key", name=op.f("pk_total_sums")),
    )
