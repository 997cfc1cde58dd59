"""Groups of people, and who is in them."""

from __future__ import annotations

from typing import Final

import sqlalchemy as sa
from alembic import op

revision: Final = "0007_groups"
down_revision: Final = "0006_policies"


def upgrade() -> None:
    op.create_table(
        "people_groups",
        sa.Column("id", sa.String(), nullable=False),
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("created_at", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_people_groups")),
        sa.UniqueConstraint("name", name=op.f("uq_people_groups_name")),
    )
    op.create_table(
        "people_group_members",
        sa.Column("group_id", sa.String(), nullable=False),
        sa.Column("user_id", sa.String(), nullable=False),
        sa.Column("since", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(
            ["group_id"],
            ["people_groups.id"],
            name=op.f("fk_people_group_members_group_id_people_groups"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["user_id"], ["users.id"], name=op.f("fk_people_group_members_user_id_users"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("group_id", "user_id", name=op.f("pk_people_group_members")),
    )
    op.create_index(op.f("ix_people_group_members_user_id"), "people_group_members", ["user_id"], unique=False)
