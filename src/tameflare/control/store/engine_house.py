"""What a database has to be for `engine.Database`: how a transaction begins, and who else is told of it.

There are two, a SQLite file and a PostgreSQL server.
"""

from __future__ import annotations

from collections.abc import Callable, Collection
from typing import Any, Protocol

from sqlalchemy import Connection, Engine

Tell = Callable[[Collection[str] | None], None]
"""Told which topics others have committed; None: nobody knows, take it for all."""


class House(Protocol):
    """`title` names the database for people and threads. Transactions of `writing` come one after the other, also those
    of other processes, and begin with the savepoint `job`; those of `reading` see one snapshot and refuse to write.
    `readers`: how many at a time. `patience`: seconds after which nobody waits for an answer any longer; None: ever.
    """

    title: str
    patience: float | None
    writing: Engine
    reading: Engine
    readers: int

    def check_present(self) -> None:
        """Raises DatabaseUnavailable where it is clear beforehand that nothing can be stored."""

    def mark(self, raw: Any) -> None:
        """Put the savepoint `job` here, in the place of the one before."""

    def check_sound(self, raw: Any) -> None:
        """Raises where a statement failed and nobody minded, so that nothing more can be done from the savepoint on."""

    def is_open(self, raw: Any) -> bool:
        """Whether the driver's connection is still inside its transaction, be it a failed one."""

    def announce(self, connection: Connection, topics: Collection[str]) -> None:
        """Have other servers told of `topics` if the transaction is committed."""

    def listen(self, tell: Tell) -> None:
        """From now on tell what other servers commit, from a thread of its own."""

    def close(self) -> None:
        """End connections and threads."""
