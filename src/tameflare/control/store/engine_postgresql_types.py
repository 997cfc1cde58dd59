"""How columns are spelled on PostgreSQL, so that they hold and order what they hold and order on SQLite.

Whole numbers have 64 bits (times, bytes, and microseconds need them). Text is ordered by its bytes, whatever the
database was made with: pages and names come in the same order, and no upgrade of the system's locales spoils an index.
"""

from __future__ import annotations

from typing import Any

from sqlalchemy import Column, Engine
from sqlalchemy.dialects.postgresql.base import PGDDLCompiler, PGTypeCompiler
from sqlalchemy.dialects.postgresql.psycopg import PGCompiler_psycopg
from sqlalchemy.types import Integer, String


class _Types(PGTypeCompiler):
    """`type_expression` is the column that is made; casts in questions have none."""

    def visit_INTEGER(self, type_: Integer, **kw: Any) -> str:  # noqa: ARG002, N802 - SQLAlchemy's name
        return "BIGINT"

    def visit_VARCHAR(self, type_: String, **kw: Any) -> str:  # noqa: N802 - SQLAlchemy's name
        spelled = super().visit_VARCHAR(type_, **kw)
        return f'{spelled} COLLATE "C"' if "type_expression" in kw else spelled


class _Columns(PGDDLCompiler):
    def get_column_specification(self, column: Column[Any], **kwargs: Any) -> str:
        spelled: str = super().get_column_specification(column, **kwargs)  # type: ignore[no-untyped-call]
        return spelled.replace(" SERIAL", " BIGSERIAL")


class _Questions(PGCompiler_psycopg):
    """The driver says of each whole number how wide it is; to call it anything else would keep functions from taking
    small ones, or columns from being compared with large ones."""

    def render_bind_cast(self, type_: Any, dbapi_type: Any, sqltext: str) -> str:
        if isinstance(dbapi_type, Integer):
            return sqltext
        spelled: str = super().render_bind_cast(type_, dbapi_type, sqltext)  # type: ignore[no-untyped-call]
        return spelled


def spell(engine: Engine) -> None:
    """Have an engine spell types so."""
    engine.dialect.type_compiler_instance = _Types(engine.dialect)
    engine.dialect.ddl_compiler = _Columns
    engine.dialect.statement_compiler = _Questions
