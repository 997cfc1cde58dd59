"""Tables of groups of people. Rules and policies name a group by its name."""

from __future__ import annotations

from typing import Final

from sqlalchemy import Column, ForeignKey, Integer, String, Table

from tameflare.control.store.tables import metadata

# `groups` is a word of SQL.
people_groups: Final = Table(
    "people_groups",
    metadata,
    Column("id", String, primary_key=True),
    Column("name", String, nullable=False, unique=True),
    Column("created_at", Integer, nullable=False),
)

people_group_members: Final = Table(
    "people_group_members",
    metadata,
    Column("group_id", String, ForeignKey("people_groups.id", ondelete="CASCADE"), primary_key=True),
    Column("user_id", String, ForeignKey("users.id", ondelete="CASCADE"), primary_key=True, index=True),
    Column("since", Integer, nullable=False),
)
