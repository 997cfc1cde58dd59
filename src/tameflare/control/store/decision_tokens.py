"""Nonces of decision tokens that were used: each stands here once, and the constraint decides who was first.

Tokens themselves are nowhere in the database: they are made again from the action's row when its agent asks.
"""

from __future__ import annotations

import msgspec
from sqlalchemy import Column, Connection, Index, Integer, String, Table, delete

from tameflare.control.store.rows import columns
from tameflare.control.store.tables import metadata
from tameflare.control.store.upsert import insert

# `digest` is the SHA-256 of the nonce; `way` how it was used: `verify` or `execute`.
burnt_nonces = Table(
    "burnt_nonces",
    metadata,
    Column("digest", String, primary_key=True),
    Column("action_id", String, nullable=False),
    Column("way", String, nullable=False),
    Column("burnt_at", Integer, nullable=False),
    Column("expires_at", Integer, nullable=False),
    Index("ix_burnt_nonces_expires_at", "expires_at"),
)


class BurntNonce(msgspec.Struct, frozen=True):
    """`expires_at` is when its token expires, in Unix seconds."""

    digest: str
    action_id: str
    way: str
    burnt_at: int
    expires_at: int


def burn(connection: Connection, nonce: BurntNonce) -> bool:
    """Whether this was the first use. A transaction beside this one that burns the same is waited for."""
    statement = insert(connection, burnt_nonces).values(**columns(nonce))
    first = statement.on_conflict_do_nothing(index_elements=["digest"]).returning(burnt_nonces.c.digest)
    return connection.execute(first).first() is not None


def purge(connection: Connection, moment: int) -> int:
    """Forget those whose tokens expired before `moment`; how many."""
    return connection.execute(delete(burnt_nonces).where(burnt_nonces.c.expires_at < moment)).rowcount
