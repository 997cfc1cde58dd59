"""The one thread that writes to a database file.

Functions that arrive while a commit is under way share the next transaction (group commit), each behind a savepoint of
its own: one that fails takes back only what it did itself. A caller hears of success after COMMIT and not before.
"""

from __future__ import annotations

import sqlite3
import threading
from collections.abc import Callable
from concurrent.futures import Future
from queue import Empty, SimpleQueue
from typing import Any, Final, TypeVar

from sqlalchemy import Connection, Engine

from tameflare.control.store.engine_faults import DatabaseUnavailable, translate

T = TypeVar("T")

MAX_GROUP: Final = 256
MAX_WAITING: Final = 10_000
_TOPICS: Final = "tameflare topics"
_AFTER: Final = "tameflare after"


def touch(connection: Connection, topic: str) -> None:
    """Say inside a writing function that subscribers of `topic` are to be told once it is committed."""
    connection.info[_TOPICS].add(topic)


def after_commit(connection: Connection, callback: Callable[[], object]) -> None:
    """Say inside a writing function what is to be done once it is committed, before its caller hears of it. It runs in
    the writer's thread, so it must be short and must not raise."""
    connection.info[_AFTER].append(callback)


class Job:
    """A function that waits for the writer, and where its result goes."""

    __slots__ = ("after", "fault", "function", "future", "result", "topics")

    def __init__(self, function: Callable[[Connection], Any]) -> None:
        self.function = function
        self.future: Future[Any] = Future()
        self.result: Any = None
        self.fault: BaseException | None = None
        self.topics: set[str] = set()
        self.after: list[Callable[[], object]] = []

    def run(self, connection: Connection, raw: sqlite3.Connection) -> None:
        """Run behind a savepoint; raises only where the whole transaction is lost."""
        raw.execute("SAVEPOINT job")
        connection.info[_TOPICS], connection.info[_AFTER] = self.topics, self.after
        try:
            self.result = self.function(connection)
        except Exception as fault:
            self.fault = translate(fault)
            if not raw.in_transaction:
                raise
            raw.execute("ROLLBACK TO job")
        raw.execute("RELEASE job")

    def settle(self, lost: BaseException | None) -> None:
        """Tell the caller; `lost` is why the transaction as a whole came to nothing."""
        fault = self.fault or lost
        if fault is None:
            for callback in self.after:
                callback()
            self.future.set_result(self.result)
        else:
            self.future.set_exception(fault)


class Writer:
    """Owns the thread and its connection. `alive` is asked before each transaction and raises if the file is gone."""

    def __init__(self, engine: Engine, alive: Callable[[], None], name: str) -> None:
        self._engine = engine
        self._alive = alive
        self._jobs: SimpleQueue[Job | None] = SimpleQueue()
        self._subscribers: dict[str, list[Callable[[], None]]] = {}
        self._closed = False
        self._connection: Connection | None = None
        self._thread = threading.Thread(target=self._work, name=f"writer of {name}", daemon=True)
        self._thread.start()

    def submit(self, function: Callable[[Connection], T]) -> Future[T]:
        """Queue a function; the future is resolved after COMMIT. Raises DatabaseUnavailable when closed or overrun."""
        if self._closed:
            raise DatabaseUnavailable("the database is closed", "start the server again")
        if self._jobs.qsize() >= MAX_WAITING:
            raise DatabaseUnavailable("too many changes wait for the database", "try again in a moment")
        job = Job(function)
        self._jobs.put(job)
        return job.future

    def subscribe(self, topic: str, callback: Callable[[], None]) -> None:
        """Call `callback` in the writer's thread after each commit that touched `topic`."""
        self._subscribers.setdefault(topic, []).append(callback)

    def close(self) -> None:
        """Finish what is queued, then end the thread."""
        if not self._closed:
            self._closed = True
            self._jobs.put(None)
            self._thread.join()

    def _work(self) -> None:
        going = True
        while going:
            first = self._jobs.get()
            going = first is not None
            if first is not None:
                going = self._group(first)
        self._discard()

    def _group(self, first: Job) -> bool:
        """One transaction that begins with `first`; False once the end mark was seen."""
        done: list[Job] = []
        going, lost = True, None
        try:
            going = self._transaction(first, done)
        except Exception as fault:  # noqa: BLE001 - every caller of this transaction gets it
            lost = translate(fault)
            self._discard()
        for job in done:
            job.settle(lost)
        if lost is None:
            self._tell(done)
        return going

    def _tell(self, done: list[Job]) -> None:
        """Call each subscriber once for a topic; a subscriber only sets a flag and never raises."""
        for topic in set[str]().union(*(job.topics for job in done if job.fault is None)):
            for callback in self._subscribers.get(topic, ()):
                callback()

    def _transaction(self, first: Job, done: list[Job]) -> bool:
        job: Job | None = first
        taken = first.future.set_running_or_notify_cancel()
        if taken:
            done.append(first)
        connection = self._open()
        raw = connection.connection.driver_connection
        assert isinstance(raw, sqlite3.Connection)
        with connection.begin():
            while job is not None:
                if taken:
                    job.run(connection, raw)
                if len(done) >= MAX_GROUP:
                    return True
                try:
                    job = self._jobs.get_nowait()
                except Empty:
                    return True
                if job is not None:
                    taken = job.future.set_running_or_notify_cancel()
                    if taken:
                        done.append(job)
        return False

    def _open(self) -> Connection:
        self._alive()
        if self._connection is None:
            self._connection = self._engine.connect()
        return self._connection

    def _discard(self) -> None:
        """Throw the connection away; the next transaction gets a fresh one."""
        connection, self._connection = self._connection, None
        if connection is not None:
            connection.invalidate()
            connection.close()
