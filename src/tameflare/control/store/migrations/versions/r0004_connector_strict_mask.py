"""Connectors that refuse answers in which their credential cannot be looked for."""

from __future__ import annotations

from typing import Final

import sqlalchemy as sa
from alembic import op

revision: Final = "0004_connector_strict_mask"
down_revision: Final = "0003_connector_paths"


def upgrade() -> None:
    op.add_column("connectors", sa.Column("strict_mask", sa.Boolean(), nullable=False, server_default=sa.false()))
