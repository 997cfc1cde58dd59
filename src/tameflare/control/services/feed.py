"""What a proxy hears from the control plane, in order: the long poll behind `GET /api/link/feed`."""

from __future__ import annotations

import time
from collections.abc import Awaitable, Callable
from functools import partial
from typing import Final

import msgspec

from tameflare.control.services.bell import Bell
from tameflare.control.store import feed as rows
from tameflare.control.store.engine import Database
from tameflare.link.messages import WIRE_VERSION, Entry, Feed, Message, Snapshot

BATCH: Final = 500
MESSAGE_MAX_AGE: Final = 7 * 86400
_decoder: msgspec.json.Decoder[Message] = msgspec.json.Decoder(Message)

MakeSnapshot = Callable[[], Awaitable[Snapshot]]


class FeedService:
    """`now` is Unix seconds, `steady` a clock for waiting. Publishing wakes waiting proxies after the commit.

    Inside another noun's transaction use `store.feed.append` and `store.feed.append_configuration`: they wake as well.
    """

    def __init__(
        self, database: Database, now: Callable[[], float] = time.time, steady: Callable[[], float] = time.monotonic
    ) -> None:
        self._database = database
        self._now = now
        self._steady = steady
        self._bell = Bell()
        database.subscribe(rows.TOPIC, self._bell.ring)

    async def publish(self, message: Message, proxy_id: str | None = None) -> int:
        """Send a message to one proxy or to all; returns its cursor."""
        body = msgspec.json.encode(message)
        return await self._database.write(lambda connection: rows.append(connection, body, self._seconds(), proxy_id))

    async def publish_configuration(self) -> int:
        """Have every proxy fetch a new snapshot; returns the cursor."""
        return await self._database.write(lambda connection: rows.append_configuration(connection, self._seconds()))

    async def poll(self, proxy_id: str, cursor: int, wait: float, make_snapshot: MakeSnapshot) -> Feed:
        """What came after `cursor`, at once if there is something, else as soon as it comes or after `wait` seconds.

        `make_snapshot` is called only where a snapshot is due: for a first poll, a changed configuration, or a cursor
        beyond the end (the database was restored). The snapshot stands first, so that what follows may rely on it.
        """
        await self._acknowledge(proxy_id, cursor)
        deadline = self._steady() + wait
        while True:
            rings = self._bell.rings
            batch = await self._database.read(lambda connection: rows.after(connection, proxy_id, cursor, BATCH))
            if batch.head == 0:
                await self.publish_configuration()
                continue
            due = batch.configuration > 0 or cursor == 0 or cursor > batch.head
            remaining = deadline - self._steady()
            if due or batch.messages or remaining <= 0 or not await self._bell.wait(rings, remaining):
                return await self._answer(proxy_id, batch, make_snapshot if due else None)

    def close(self) -> None:
        """Answer everybody who waits: call it when the server begins to stop."""
        self._bell.close()

    async def prune(self, proxy_ids: list[str]) -> int:
        """Delete messages that everybody has or that are older than a week; `proxy_ids` are all that exist."""
        now = self._seconds()
        return await self._database.write(
            partial(rows.prune, proxy_ids=proxy_ids, older_than=now - MESSAGE_MAX_AGE, now=now)
        )

    async def _acknowledge(self, proxy_id: str, cursor: int) -> None:
        known = await self._database.read(lambda connection: rows.acknowledged(connection, proxy_id))
        if known != cursor:
            await self._database.write(
                lambda connection: rows.acknowledge(connection, proxy_id, cursor, self._seconds())
            )

    async def _answer(self, proxy_id: str, batch: rows.Batch, make_snapshot: MakeSnapshot | None) -> Feed:
        entries = [Entry(place, _decoder.decode(body)) for place, body in batch.messages]
        end = entries[-1].cursor if batch.more else batch.head
        if make_snapshot is not None:
            mark = batch.configuration or batch.head
            place = min(mark, entries[0].cursor - 1) if entries else mark
            entries.insert(0, Entry(place, await make_snapshot()))
        return Feed(WIRE_VERSION, proxy_id, end, tuple(entries))

    def _seconds(self) -> int:
        return int(self._now())
