"""Hearing what other control planes on the same PostgreSQL have committed: LISTEN, on a connection of its own.

Nothing is lost for long where the connection is: after each new one everybody is told that anything may have changed.
"""

from __future__ import annotations

import contextlib
import os
import select
import threading
from collections.abc import Callable
from typing import Any, Final

import psycopg
import structlog
from psycopg import sql

from tameflare.control.store.engine_house import Tell

_FIRST_PAUSE: Final = 0.1
_LONGEST_PAUSE: Final = 5.0
_CHECK_SECONDS: Final = 15.0
"""A connection on which nothing came for so long is asked whether it is still one."""

_log = structlog.get_logger("tameflare.database")


class Listener:
    """Owns a thread and its connection. `own` is the word that begins what this server says itself."""

    def __init__(self, connect: Callable[[], psycopg.Connection[Any]], channel: str, own: str, tell: Tell) -> None:
        self._connect = connect
        self._channel = channel
        self._own = own
        self._tell = tell
        self._closing, self._close = os.pipe()
        self._thread = threading.Thread(target=self._work, name=f"listener of {channel}", daemon=True)
        self._thread.start()

    def close(self) -> None:
        """End thread and connection."""
        os.write(self._close, b".")
        self._thread.join()
        os.close(self._closing)
        os.close(self._close)

    def _work(self) -> None:
        pause, heard = _FIRST_PAUSE, True
        while True:
            try:
                with contextlib.closing(self._connect()) as connection:
                    connection.execute(sql.SQL("LISTEN {}").format(sql.Identifier(self._channel)))
                    pause, heard = _FIRST_PAUSE, self._report(heard, now=True)
                    self._tell(None)
                    if not self._hear(connection):
                        return
            except psycopg.Error:
                heard = self._report(heard, now=False)
            if self._is_closing(pause):
                return
            pause = min(pause * 2, _LONGEST_PAUSE)

    def _hear(self, connection: psycopg.Connection[Any]) -> bool:
        """Until the connection is lost (raises), or this is to end: False."""
        heard: list[str] = []
        connection.add_notify_handler(lambda notice: heard.append(notice.payload))
        while True:
            readable, _, _ = select.select([connection.fileno(), self._closing], [], [], _CHECK_SECONDS)
            if self._closing in readable:
                return False
            if not readable:
                connection.execute("SELECT 1")  # it hands what it finds to the handler
            connection.pgconn.consume_input()
            while notice := connection.pgconn.notifies():
                heard.append(notice.extra.decode())
            topics = self._of_others(heard)
            heard.clear()
            if topics:
                self._tell(topics)

    def _of_others(self, heard: list[str]) -> set[str]:
        parts = [words.split() for words in heard]
        return {topic for own, *topics in parts if own != self._own for topic in topics}

    def _is_closing(self, seconds: float) -> bool:
        return bool(select.select([self._closing], [], [], seconds)[0])

    def _report(self, heard: bool, *, now: bool) -> bool:
        """One line in the log for each change."""
        if heard and not now:
            _log.warning("database.silent", help="changes by other servers are seen late until PostgreSQL answers")
        elif now and not heard:
            _log.info("database.heard_again")
        return now
