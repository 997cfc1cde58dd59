"""How many actions a month had."""

from __future__ import annotations

from typing import Final

import sqlalchemy as sa
from alembic import op

revision: Final = "0011_plan"
down_revision: Final = "0010_totals"


def upgrade() -> None:
    op.create_table(
        "plan_use",
        sa.Column("month", sa.String(), nullable=False),
        sa.Column("actions", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("month", name=op.f("pk_plan_use")),
    )
