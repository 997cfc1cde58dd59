"""Faults of the database as the rest of the control plane sees them, so that only the store knows SQLAlchemy."""

from __future__ import annotations

import sqlite3
from pathlib import Path

from sqlalchemy.exc import DBAPIError

from tameflare.core.errors import TameFlareError


class DatabaseUnavailable(TameFlareError):
    """Nothing was stored and nothing can be read now: locked, full, read-only or gone. The API answers 503."""

    code = "database_unavailable"


class Conflict(TameFlareError):
    """A unique, foreign-key or check constraint refused the change; `detail` is SQLite's text. The API answers 409."""

    code = "conflict"

    def __init__(self, detail: str) -> None:
        super().__init__("the change contradicts what is stored", "read it again and retry")
        self.detail = detail


_HELP = (
    ("locked", "the database is locked", "end the other process that holds it"),
    ("full", "the disk is full", "free some space; what waits is delivered afterwards"),
    ("readonly", "the database is read-only", "give this user the right to write to the data directory"),
    ("unable to open", "the database cannot be opened", "check that the data directory exists and may be written"),
    ("malformed", "the database is damaged", "restore a backup"),
    ("not a database", "the file is not a database", "restore a backup"),
    ("I/O", "the disk answers with a fault", "check the disk"),
)


def translate(fault: BaseException) -> BaseException:
    """The product's own fault for a driver's, wrapped by SQLAlchemy or not; anything else as it is."""
    driver = fault.orig if isinstance(fault, DBAPIError) else fault
    if isinstance(driver, sqlite3.IntegrityError):
        return Conflict(str(driver))
    if isinstance(driver, sqlite3.DatabaseError):
        return _outage(str(driver)) or fault
    return fault


def naming(path: Path, fault: BaseException) -> BaseException:
    """The fault with the file in its sentence, for whoever has to mend the file."""
    if isinstance(fault, DatabaseUnavailable):
        return DatabaseUnavailable(f"`{path}`: {fault.message}", fault.help)
    return fault


def _outage(text: str) -> DatabaseUnavailable | None:
    for mark, message, advice in _HELP:
        if mark in text:
            return DatabaseUnavailable(message, advice)
    return None
