"""Tables of running totals."""

from __future__ import annotations

from typing import Final

from sqlalchemy import Column, Index, Integer, String, Table

from tameflare.control.store.tables import metadata

# Every request that reserved something: `holder` is a proxy's id or `api`, `state` a word of store/totals.py.
total_requests: Final = Table(
    "total_requests",
    metadata,
    Column("holder", String, primary_key=True),
    Column("request", String, primary_key=True),
    Column("state", String, nullable=False),
    Column("changed_at", Integer, nullable=False),
    Index("ix_total_requests_state", "state", "holder"),
)

# What each of them counts for in each total, until `ends`. Amounts are decimal numbers as text: they are exact.
total_entries: Final = Table(
    "total_entries",
    metadata,
    Column("holder", String, primary_key=True),
    Column("request", String, primary_key=True),
    Column("key", String, primary_key=True),
    Column("amount", String, nullable=False),
    Column("ends", Integer, nullable=False),
    Index("ix_total_entries_key", "key", "ends"),
)

# The sum of the entries that a key has; one without entries is nothing, and need not be here.
total_sums: Final = Table(
    "total_sums",
    metadata,
    Column("key", String, primary_key=True),
    Column("amount", String, nullable=False),
)
