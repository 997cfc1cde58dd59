"""Clients in Python."""

from __future__ import annotations

import sys
from typing import Any, Final

from tests.matrix.clients import PROGRAMS, Client

LANGUAGE: Final = "Python"


def client(name: str, **options: Any) -> Client:
    """A client whose program is called after it."""
    program = PROGRAMS / "python" / f"{name.replace('-', '_')}_client.py"
    return Client(name, LANGUAGE, (sys.executable, str(program)), **options)


CLIENTS: Final = (client("requests"), client("httpx"))
