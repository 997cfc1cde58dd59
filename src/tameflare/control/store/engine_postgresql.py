"""A PostgreSQL server: transactions that write take one lock first, so that they come one after the other also where
several control planes share the database, and tell each other by NOTIFY what they touched.

The lock is taken before the first question (READ COMMITTED: each question sees what was committed before it), it ends
with the transaction, and other programs on the database are not held up by it. Everything that libpq knows of can stand
in the url (`sslmode`, `sslrootcert`, several hosts, `target_session_attrs`): it reads the url itself. The pool of a
program between (PgBouncer) must keep to sessions.
"""

from __future__ import annotations

import secrets
from collections.abc import Collection
from typing import Any, Final

import psycopg
from psycopg.pq import TransactionStatus
from sqlalchemy import Connection, Engine, create_engine, event
from sqlalchemy.exc import SQLAlchemyError

from tameflare.control.store.engine_faults import naming, translate
from tameflare.control.store.engine_house import Tell
from tameflare.control.store.engine_listener import Listener
from tameflare.control.store.engine_postgresql_types import spell
from tameflare.control.store.engine_postgresql_url import parameters, title
from tameflare.core.secret import Secret

READERS: Final = 3
STATEMENT_SECONDS: Final = 30
_LOCK: Final = int.from_bytes(b"tfdb")
_WRITE: Final = "BEGIN; SELECT pg_advisory_xact_lock({lock}, hashtext('{part}')); SAVEPOINT job"
_READ: Final = "BEGIN TRANSACTION ISOLATION LEVEL REPEATABLE READ READ ONLY"
_OPEN: Final = frozenset({TransactionStatus.INTRANS, TransactionStatus.INERROR})


class PostgresServer:
    """A database on a server. `part` names what writes one after the other and is told of one another's commits.

    Raises DatabaseUnavailable where it cannot be reached.
    """

    readers = READERS

    def __init__(self, url: Secret, part: str, busy_seconds: float) -> None:
        self.patience: float | None = STATEMENT_SECONDS + busy_seconds
        self._parameters = parameters(url)
        self._channel = f"tameflare_{part}"
        self._own = secrets.token_hex(8)
        self._listener: Listener | None = None
        self.title = title(self._parameters)
        self.writing = self._engine(_WRITE.format(lock=_LOCK, part=part), busy_seconds, 1)
        self.reading = self._engine(_READ, busy_seconds, READERS)
        try:
            self.reading.connect().close()
        except SQLAlchemyError as fault:
            self.close()
            raise naming(self.title, translate(fault)) from None

    def check_present(self) -> None:
        """The first question tells."""

    def mark(self, raw: Any) -> None:
        raw.execute("RELEASE job; SAVEPOINT job")

    def check_sound(self, raw: Any) -> None:
        if raw.info.transaction_status == TransactionStatus.INERROR:
            raw.execute("SELECT 1")

    def is_open(self, raw: Any) -> bool:
        return raw.info.transaction_status in _OPEN

    def announce(self, connection: Connection, topics: Collection[str]) -> None:
        words = " ".join((self._own, *sorted(topics)))
        connection.exec_driver_sql("SELECT pg_notify(%s, %s)", (self._channel, words))

    def listen(self, tell: Tell) -> None:
        self._listener = Listener(self._connect, self._channel, self._own, tell)

    def close(self) -> None:
        listener, self._listener = self._listener, None
        if listener is not None:
            listener.close()
        self.reading.dispose()
        self.writing.dispose()

    def _connect(self) -> psycopg.Connection[Any]:
        return psycopg.connect(**self._parameters, autocommit=True)

    def _engine(self, begin: str, busy_seconds: float, size: int) -> Engine:
        """The driver's own transactions are off: ours begin with one message and end with one."""
        engine = create_engine(
            "postgresql+psycopg://",
            creator=self._connect,
            isolation_level="AUTOCOMMIT",
            pool_size=size,
            max_overflow=size,
            pool_timeout=busy_seconds,
            pool_use_lifo=True,
            use_native_hstore=False,
        )
        spell(engine)
        limits = (
            f"SET lock_timeout = {int(busy_seconds * 1000)};"
            f"SET statement_timeout = {STATEMENT_SECONDS * 1000};"
            f"SET idle_in_transaction_session_timeout = {STATEMENT_SECONDS * 1000}"
        )

        @event.listens_for(engine, "connect")
        def prepare(raw: Any, _record: Any) -> None:
            raw.execute(limits)

        @event.listens_for(engine, "begin")
        def start(connection: Connection) -> None:
            connection.exec_driver_sql(begin)

        return engine
