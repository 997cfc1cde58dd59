"""`INSERT … ON CONFLICT`, which SQLAlchemy has once per database and not for all of them.

    statement = insert(connection, meta).values(name=…, value=…)
    connection.execute(statement.on_conflict_do_update(index_elements=["name"], set_={"value": …}))

Whether `on_conflict_do_nothing` added a row is told by `returning`: there is no count where a database numbers rows.
Name the columns (`index_elements`) in every `on_conflict_do_update`: SQLite would do without, PostgreSQL would not.
"""

from __future__ import annotations

from typing import cast

from sqlalchemy import Connection, Table
from sqlalchemy.dialects.postgresql import Insert
from sqlalchemy.dialects.postgresql import insert as _postgresql
from sqlalchemy.dialects.sqlite import insert as _sqlite

__all__ = ["Insert", "insert"]


def insert(connection: Connection, table: Table) -> Insert:
    """An INSERT for the database of `connection` that knows `on_conflict_do_update`, `on_conflict_do_nothing` and
    `excluded`; both databases spell these alike, so that one type stands for both."""
    if connection.dialect.name == "postgresql":
        return _postgresql(table)
    return cast("Insert", _sqlite(table))
