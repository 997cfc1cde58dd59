"""Clients in Python 3.13, whose TLS is strict about certificates by default (`ssl.VERIFY_X509_STRICT`).

Without an environment of its own: it takes the packages of the Python that the tests run in, but for what is compiled.
"""

from __future__ import annotations

import shutil
import subprocess
import sys
import sysconfig
from collections.abc import Iterator
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import Final

from tests.matrix.clients import Client
from tests.matrix.languages import python

LANGUAGE: Final = "Python 3.13"
_PLAIN: Final = ("AIOHTTP", "FROZENLIST", "MULTIDICT", "PROPCACHE", "YARL")
_STRICT: Final = "import ssl, sys; sys.exit(not ssl.create_default_context().verify_flags & ssl.VERIFY_X509_STRICT)"


@cache
def interpreter() -> str:
    """A Python 3.13 that works; empty where there is none."""
    return next((str(found) for found in _candidates() if _is_strict(found)), "")


def _candidates() -> Iterator[str | Path]:
    if sys.version_info[:2] == (3, 13):
        yield sys.executable
    yield from filter(None, [shutil.which("python3.13")])
    yield from sorted(Path.home().glob(".pyenv/versions/3.13*/bin/python3.13"))


def _is_strict(python: str | Path) -> bool:
    done = subprocess.run([python, "-c", _STRICT], capture_output=True)
    return done.returncode == 0


def missing() -> str:
    return "" if interpreter() else "there is no Python 3.13 on this machine"


def _in_it(client: Client) -> Client:
    plain = {f"{name}_NO_EXTENSIONS": "1" for name in _PLAIN} | {"PYTHONPATH": sysconfig.get_path("purelib")}
    return replace(
        client,
        name=f"{client.name} in 3.13",
        language=LANGUAGE,
        command=(interpreter(), *client.command[1:]),
        environment={**client.environment, **({} if sys.version_info[:2] == (3, 13) else plain)},
        missing=missing,
        over_https="",
        remark="",
    )


TRIED: Final = ("urllib", "urllib3", "requests", "httpx", "aiohttp", "slack_sdk")
CLIENTS: Final = tuple(_in_it(client) for client in python.CLIENTS if client.name in TRIED)
