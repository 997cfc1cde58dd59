"""Both parts of the store, wherever they are: what people and the product decide, and the record of requests."""

from __future__ import annotations

import importlib
from collections.abc import Callable
from pathlib import Path

from tameflare.control.store.engine import Database
from tameflare.control.store.migrate import connect_database, open_database
from tameflare.control.store.traffic import TrafficStore
from tameflare.core.errors import SettingError
from tameflare.core.secret import Secret


def open_stores(directory: Path, url: Secret | None, clock: Callable[[], float]) -> tuple[Database, TrafficStore]:
    """On PostgreSQL where there is a `url`, else in two files of `directory`. Raises TameFlareError."""
    if url is None:
        database = open_database(directory / "tameflare.db")
    else:
        check_driver()
        database = connect_database(url)
    try:
        path = directory / "traffic.db"
        return database, TrafficStore.connect(url, clock) if url else TrafficStore.open(path, clock)
    except BaseException:
        database.close()
        raise


def check_driver() -> None:
    """Raises SettingError where PostgreSQL's driver is not installed."""
    try:
        importlib.import_module("psycopg")
    except ImportError:
        raise SettingError(
            "DATABASE_URL is set, and the driver of PostgreSQL is not installed",
            "run `pip install 'tameflare[postgresql]'`",
        ) from None
