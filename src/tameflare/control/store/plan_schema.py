"""How many actions a month had, as far as a limit asks for it."""

from __future__ import annotations

from sqlalchemy import Column, Integer, String, Table

from tameflare.control.store.tables import metadata

plan_use = Table(
    "plan_use",
    metadata,
    Column("month", String, primary_key=True),
    Column("actions", Integer, nullable=False),
)
