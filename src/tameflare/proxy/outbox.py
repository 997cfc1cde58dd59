"""The turn barrier: records reach the spool before the requests they speak of go upstream.

Everything that was decided in one turn of the loop is written with one call, then released in the order of decision.
Where the write fails, none of these requests goes upstream. Nothing is let go for whose outcome there might be no room.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final, Protocol

from tameflare.link.messages import Intent, Outcome, Record

OUTCOME_ROOM: Final = 160
"""Bytes that the record of an outcome takes at most."""


class Sender(Protocol):
    """A request that waits for its record."""

    def release(self) -> None:
        """The record is durable: go on."""

    def unrecorded(self) -> None:
        """The record could not be written: refuse."""


class RecordSink(Protocol):
    def append(self, record: Record) -> None: ...

    def flush(self, reserve: int = 0) -> bool: ...


class Outbox:
    """`soon` runs a function once, later in the same turn or at the start of the next."""

    def __init__(self, spool: RecordSink, soon: Callable[[Callable[[], None]], object], record_or_deny: bool) -> None:
        self._spool = spool
        self._soon = soon
        self._record_or_deny = record_or_deny
        self._waiting: list[Sender] = []
        self._notes: list[Record] = []
        self._owed = 0
        self._scheduled = False

    def put(self, intent: Intent, sender: Sender) -> None:
        """Record a decision and release the sender when it is durable."""
        self._waiting.append(sender)
        self._spool.append(intent)
        if not self._scheduled:
            self._scheduled = True
            self._soon(self.flush)

    def note(self, record: Intent | Outcome) -> None:
        """Record something that nothing waits for."""
        self._spool.append(record)
        self._notes.append(record)
        if type(record) is Outcome:
            self._owed -= 1
        if not self._scheduled:
            self._scheduled = True
            self._soon(self.flush)

    def flush(self) -> None:
        """Write the turn's records, then let its requests go, or refuse them."""
        self._scheduled = False
        waiting, self._waiting = self._waiting, []
        notes, self._notes = self._notes, []
        self._owed += len(waiting)
        written = self._spool.flush(max(0, self._owed) * OUTCOME_ROOM if waiting else 0)
        if not written and waiting and notes:
            self._flush_alone(notes)
        durable = written or not self._record_or_deny
        if not durable:
            self._owed -= len(waiting)
        for sender in waiting:
            if durable:
                sender.release()
            else:
                sender.unrecorded()

    def _flush_alone(self, notes: list[Record]) -> None:
        """There was no room for all of a turn: what has happened already goes before what would only begin."""
        for record in notes:
            self._spool.append(record)
        self._spool.flush()
