"""Rows as typed values: each noun's module names its struct, these turn rows into it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, TypeVar

import msgspec
from sqlalchemy import ColumnElement, Connection, RowMapping, Select

T = TypeVar("T")


def one(connection: Connection, query: Select[Any], kind: type[T]) -> T | None:
    """The only row of a query, or None."""
    row = connection.execute(query).mappings().one_or_none()
    return None if row is None else _typed(row, kind)


def every(connection: Connection, query: Select[Any], kind: type[T]) -> list[T]:
    """All rows of a query; columns that the struct does not name are left out."""
    return [_typed(row, kind) for row in connection.execute(query).mappings()]


def _typed(row: RowMapping, kind: type[T]) -> T:
    """msgspec takes no subclass of str as a key, and SQLAlchemy's names are one."""
    return msgspec.convert({str.__str__(name): value for name, value in row.items()}, kind)


def among(query: Select[Any], column: ColumnElement[str], wanted: Sequence[str] | None) -> Select[Any]:
    """A query narrowed to rows whose column is one of `wanted`; None: to none."""
    return query if wanted is None else query.where(column.in_(wanted))


def columns(value: msgspec.Struct) -> dict[str, Any]:
    """A struct as column values: enums by their words, tuples as lists."""
    plain: dict[str, Any] = msgspec.to_builtins(value, str_keys=True)
    return {name: list(item) if isinstance(item, tuple) else item for name, item in plain.items()}
