"""Endpoints of connectors."""

from __future__ import annotations

from typing import Final

import sqlalchemy as sa
from alembic import op

revision: Final = "0003_connector_paths"
down_revision: Final = "0002_sessions"


def upgrade() -> None:
    op.add_column("connectors", sa.Column("paths", sa.JSON(), nullable=False, server_default="[]"))
