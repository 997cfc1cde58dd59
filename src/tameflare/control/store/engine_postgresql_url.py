"""DATABASE_URL, read as libpq reads it, and told without its password.

What libpq says of a wrong address may hold pieces of the password, and a password in which `@` or `/` was not written
as `%40` or `%2F` spills into host, port and name: neither is told.
"""

from __future__ import annotations

import re
from typing import Any, Final

import psycopg
from psycopg.conninfo import conninfo_to_dict

from tameflare.control.store.engine_faults import DatabaseUnavailable
from tameflare.core.secret import Secret

# Where the url does not say otherwise: a server that went away without a word is noticed within half a minute.
_PATIENCE: Final = {
    "connect_timeout": "5",
    "keepalives_idle": "10",
    "keepalives_interval": "5",
    "keepalives_count": "3",
    "tcp_user_timeout": "20000",
    "application_name": "tameflare",
}
_PORTS: Final = re.compile(r"[0-9,]*")


def parameters(url: Secret) -> dict[str, Any]:
    """What to connect with. Raises DatabaseUnavailable."""
    try:
        said = conninfo_to_dict(url.reveal())
    except (psycopg.Error, UnicodeDecodeError):
        said = {"host": "@"}
    if "@" in f"{said.get('host')}{said.get('dbname')}" or not _PORTS.fullmatch(str(said.get("port", ""))):
        raise DatabaseUnavailable(
            "DATABASE_URL cannot be read as an address of PostgreSQL",
            "write `postgresql://user:password@host:port/database`, special characters of the password as %XX",
        )
    return {**_PATIENCE, **said}


def title(said: dict[str, Any]) -> str:
    """The database for people: no user, no password."""
    host, port = said.get("host", "this machine"), said.get("port", "")
    return f"{host}{f':{port}' if port else ''}/{said.get('dbname', '')}"
