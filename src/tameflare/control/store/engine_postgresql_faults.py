"""What PostgreSQL's faults mean, by SQLSTATE where there is one: https://www.postgresql.org/docs/current/errcodes-appendix.html."""

from __future__ import annotations

import re
from typing import Final

from psycopg import DatabaseError, DataError, IntegrityError, InterfaceError, OperationalError

from tameflare.control.store.engine_faults import FULL, LOCKED, READ_ONLY

__all__ = ["IntegrityError", "constraint", "is_unstorable", "outage"]

Outage = tuple[str, str]
_AWAY: Final = ("the database cannot be reached", "see whether PostgreSQL runs, and where DATABASE_URL leads")
_CROWDED: Final = (
    "the database takes no more connections",
    "raise max_connections of PostgreSQL, or the limit of this user or database",
)
_FORBIDDEN: Final = ("the database refuses this user or password", "correct DATABASE_URL")
_MISSING: Final = ("there is no such database", "make it, as with `createdb`, or correct DATABASE_URL")
_SLOW: Final = ("the database took too long", "try again in a moment; see what PostgreSQL is busy with")
_UNSTORABLE: Final = (None, "22003", "22021", "22P05")
_BY_STATE: Final = {
    "25006": (READ_ONLY, "have DATABASE_URL lead to the primary server"),
    "28000": _FORBIDDEN,
    "28P01": _FORBIDDEN,
    "3D000": _MISSING,
    "40001": LOCKED,
    "40P01": LOCKED,
    "42501": ("the database does not allow this user to do that", "make it the owner of the database"),
    "53100": FULL,
    "53200": ("the database is out of memory", "see what PostgreSQL is busy with"),
    "53300": _CROWDED,
    "55P03": LOCKED,
    "57014": _SLOW,
    "57P03": ("the database is starting or stopping", "try again in a moment"),
    "58030": ("the disk answers with a fault", "check the disk of PostgreSQL"),
    "XX001": ("the database is damaged", "restore a backup"),
    "XX002": ("the database is damaged", "restore a backup"),
}
# A connection that was never made has no SQLSTATE, only libpq's text.
_BY_TEXT: Final = (
    (re.compile(r"too many clients|too many connections|connection slots"), _CROWDED),
    (re.compile(r"password authentication failed|no pg_hba\.conf entry|no password supplied|role .* "), _FORBIDDEN),
    (re.compile(r"database .* does not exist"), _MISSING),
    (re.compile(r"starting up|shutting down|not yet accepting"), _BY_STATE["57P03"]),
    (
        re.compile(r"certificate|SSL|TLS", re.IGNORECASE),
        ("the database cannot be reached in TLS", "see sslmode and sslrootcert in DATABASE_URL"),
    ),
)


def is_unstorable(fault: BaseException | None) -> bool:
    """Whether a value was refused for its characters (none of them may be NUL; the driver says so itself) or its size;
    a value of another kind than its column is a mistake of ours."""
    return isinstance(fault, DataError) and fault.sqlstate in _UNSTORABLE


def outage(fault: BaseException | None) -> Outage | None:
    """Message and help where a fault means that the database is of no use now; None for a mistake in what was asked."""
    if not isinstance(fault, DatabaseError | InterfaceError):
        return None
    state = fault.sqlstate or ""
    if state:
        return _BY_STATE.get(state) or (_AWAY if state[:2] in ("08", "57") else None)
    if not isinstance(fault, OperationalError | InterfaceError):
        return None
    text = str(fault)
    return next((found for pattern, found in _BY_TEXT if pattern.search(text)), _AWAY)


def constraint(fault: IntegrityError) -> str:
    """Which constraint refused, without the values."""
    return f"{fault.diag.table_name}.{fault.diag.constraint_name or fault.diag.column_name}"
