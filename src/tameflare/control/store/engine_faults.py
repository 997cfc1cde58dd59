"""Faults of the database as the rest of the control plane sees them, so that only the store knows SQLAlchemy."""

from __future__ import annotations

import sqlite3

from sqlalchemy import exc

from tameflare.core.errors import InvalidValue, TameFlareError


class DatabaseUnavailable(TameFlareError):
    """Nothing was stored and nothing can be read now: locked, full, read-only or gone. The API answers 503."""

    code = "database_unavailable"


class Conflict(TameFlareError):
    """A unique, foreign-key or check constraint refused the change; `detail` is the database's text. The API answers
    409."""

    code = "conflict"

    def __init__(self, detail: str) -> None:
        super().__init__("the change contradicts what is stored", "read it again and retry")
        self.detail = detail


SILENT = (
    "the database does not answer",
    "see whether PostgreSQL runs; what was to be changed may be changed all the same",
)
LOCKED = ("the database is locked", "end the other process that holds it")
FULL = ("the disk is full", "free some space; what waits is delivered afterwards")
READ_ONLY = "the database is read-only"
UNSTORABLE = ("this holds a character or a number that cannot be stored", "leave out the character NUL")

_HELP = (
    ("locked", *LOCKED),
    ("full", *FULL),
    ("readonly", READ_ONLY, "give this user the right to write to the data directory"),
    ("unable to open", "the database cannot be opened", "check that the data directory exists and may be written"),
    ("malformed", "the database is damaged", "restore a backup"),
    ("not a database", "the file is not a database", "restore a backup"),
    ("I/O", "the disk answers with a fault", "check the disk"),
)


def translate(fault: BaseException) -> BaseException:
    """The product's own fault for a driver's, wrapped by SQLAlchemy or not; anything else as it is."""
    driver = fault.orig if isinstance(fault, exc.DBAPIError) else fault
    if isinstance(driver, sqlite3.IntegrityError):
        return Conflict(str(driver))
    if isinstance(driver, sqlite3.DatabaseError):
        return _outage(str(driver)) or fault
    if isinstance(fault, exc.TimeoutError):
        return DatabaseUnavailable("too many questions wait for the database", "try again in a moment")
    if type(driver).__module__.startswith("psycopg"):
        return _of_postgresql(driver) or fault
    return fault


def is_lost(fault: BaseException) -> bool:
    """Whether a connection was found dead as something was to begin on it, so that it may be tried on another."""
    return isinstance(fault, exc.DBAPIError) and fault.connection_invalidated


def is_passing(fault: BaseException) -> bool:
    """Whether a reader may try again at once: also where a month of records was dropped while it looked (42P01)."""
    return is_lost(fault) or getattr(fault, "sqlstate", None) == "42P01"


def naming(title: str, fault: BaseException) -> BaseException:
    """The fault with the database in its sentence, for whoever has to mend it."""
    if isinstance(fault, DatabaseUnavailable):
        return DatabaseUnavailable(f"`{title}`: {fault.message}", fault.help)
    return fault


def _outage(text: str) -> DatabaseUnavailable | None:
    for mark, message, advice in _HELP:
        if mark in text:
            return DatabaseUnavailable(message, advice)
    return None


def _of_postgresql(driver: BaseException | None) -> TameFlareError | None:
    from tameflare.control.store import engine_postgresql_faults as postgresql  # its driver may not be installed

    if postgresql.is_unstorable(driver):
        return InvalidValue(*UNSTORABLE)
    if isinstance(driver, postgresql.IntegrityError):
        return Conflict(postgresql.constraint(driver))
    outage = postgresql.outage(driver)
    return DatabaseUnavailable(*outage) if outage else None
