"""The one thread of a server that writes to a database.

Functions that arrive while a commit is under way share the next transaction (group commit), each behind a savepoint of
its own: one that fails takes back only what it did itself. A caller hears of success after COMMIT and not before.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Collection
from concurrent.futures import Future
from queue import Empty, SimpleQueue
from typing import Any, Final, TypeVar

from sqlalchemy import Connection, RootTransaction

from tameflare.control.store.engine_faults import DatabaseUnavailable, is_lost, translate
from tameflare.control.store.engine_house import House

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

    def run(self, connection: Connection, house: House) -> None:
        """Run behind the savepoint `job`; raises only where the whole transaction is lost."""
        raw: Any = connection.connection.driver_connection
        connection.info[_TOPICS], connection.info[_AFTER] = self.topics, self.after
        try:
            self.result = self.function(connection)
            house.check_sound(raw)
        except Exception as fault:
            self.fault = translate(fault)
            if not house.is_open(raw):
                raise
            raw.execute("ROLLBACK TO job")

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
    """Owns the thread and its connection."""

    def __init__(self, house: House) -> None:
        self._house = house
        self._jobs: SimpleQueue[Job | None] = SimpleQueue()
        self._subscribers: dict[str, list[Callable[[], None]]] = {}
        self._closed = self._over = False
        self._connection: Connection | None = None
        self._thread = threading.Thread(target=self._work, name=f"writer of {house.title}", daemon=True)
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
        """Call `callback` after each commit that touched `topic`: in the writer's thread, or in that which `tell` is
        called from."""
        self._subscribers.setdefault(topic, []).append(callback)

    def tell(self, topics: Collection[str] | None) -> None:
        """Call the subscribers of `topics`, None: of all, once each; a subscriber only sets a flag and never raises."""
        for topic in list(self._subscribers) if topics is None else topics:
            for callback in list(self._subscribers.get(topic, ())):
                callback()

    def close(self) -> None:
        """Finish what is queued, then end the thread."""
        if not self._closed:
            self._closed = True
            self._jobs.put(None)
            self._thread.join()

    def _work(self) -> None:
        while not self._over:
            first = self._next(wait=True)
            if first is not None:
                self._group(first)
        self._discard()

    def _next(self, *, wait: bool) -> Job | None:
        """The next job whose caller still waits; None where there is none just now, and at the end mark."""
        try:
            while (job := self._jobs.get(block=wait)) is not None:
                if job.future.set_running_or_notify_cancel():
                    return job
        except Empty:
            return None
        self._over = True
        return None

    def _group(self, first: Job) -> None:
        """One transaction that begins with `first`."""
        done, lost = [first], None
        try:
            with self._begin() as transaction:
                self._run(transaction.connection, done)
        except Exception as fault:  # noqa: BLE001 - every caller of this transaction gets it
            lost = translate(fault)
            self._discard()
        for job in done:
            job.settle(lost)
        if lost is None:
            self.tell(_topics(done))

    def _run(self, connection: Connection, done: list[Job]) -> None:
        """Run what `done` holds and what waits beside it; `done` gets each of them."""
        done[0].run(connection, self._house)
        while len(done) < MAX_GROUP and (job := self._next(wait=False)) is not None:
            done.append(job)
            self._house.mark(connection.connection.driver_connection)
            job.run(connection, self._house)
        topics = _topics(done)
        if topics:
            self._house.announce(connection, topics)

    def _begin(self) -> RootTransaction:
        """Begin a transaction; where the connection died while nobody used it, on a new one."""
        self._house.check_present()
        if self._connection is None:
            self._connection = self._house.writing.connect()
            return self._connection.begin()
        try:
            return self._connection.begin()
        except Exception as fault:
            if not is_lost(fault):
                raise
            self._discard()
            return self._begin()

    def _discard(self) -> None:
        """Throw the connection away; the next transaction gets a fresh one."""
        connection, self._connection = self._connection, None
        if connection is not None:
            connection.invalidate()
            connection.close()


def _topics(done: list[Job]) -> set[str]:
    """What those that succeeded have touched."""
    return set[str]().union(*(job.topics for job in done if job.fault is None))
