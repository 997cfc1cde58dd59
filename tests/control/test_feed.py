"""The long poll: order, coalescing, waking, and proxies that lost their place."""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import msgspec
import pytest
from tests.support.snapshots import answered
from tests.support.waiting import until

from tameflare.control.services.feed import BATCH, MESSAGE_MAX_AGE, FeedService
from tameflare.control.store import feed as rows
from tameflare.control.store.engine import Database
from tameflare.link.messages import WIRE_VERSION, Feed, Snapshot


class Story:
    """A feed whose snapshots count how often they were made."""

    def __init__(self, path: Path) -> None:
        self.now = 1_000_000
        self.made = 0
        self.database = Database.open(path)
        self.database.write_now(rows.metadata.create_all)
        self.service = FeedService(self.database, lambda: self.now)

    async def snapshot(self) -> Snapshot:
        self.made += 1
        return Snapshot(self.made, b"{}", b"s", b"b")

    async def poll(self, cursor: int, wait: float = 0, proxy: str = "prx") -> Feed:
        return await self.service.poll(proxy, cursor, wait, self.snapshot)


@pytest.fixture
def story(tmp_path: Path) -> Iterator[Story]:
    made = Story(tmp_path / "tameflare.db")
    yield made
    made.database.close()


def kinds(feed: Feed) -> list[str]:
    return [
        "snapshot" if isinstance(entry.message, Snapshot) else entry.message.approval  # type: ignore[union-attr]
        for entry in feed.entries
    ]


def test_a_new_proxy_gets_a_snapshot_even_from_an_empty_feed_and_then_waits(story: Story) -> None:
    async def play() -> None:
        first = await story.poll(0)
        assert (first.wire, first.proxy, kinds(first)) == (WIRE_VERSION, "prx", ["snapshot"])
        assert first.cursor > 0
        again = await story.poll(first.cursor)
        assert (again.cursor, again.entries) == (first.cursor, ())

    asyncio.run(play())


def test_many_changes_are_one_snapshot_which_stands_before_the_messages(story: Story) -> None:
    async def play() -> None:
        start = (await story.poll(0)).cursor
        await story.service.publish_configuration()
        await story.service.publish(answered("a"))
        await story.service.publish_configuration()
        await story.service.publish(answered("b"))
        feed = await story.poll(start)
        assert kinds(feed) == ["snapshot", "a", "b"]
        places = [entry.cursor for entry in feed.entries]
        assert places == sorted(places)
        assert start < places[0] <= places[-1] == feed.cursor
        assert (await story.poll(feed.cursor)).entries == ()
        assert story.made == 2

    asyncio.run(play())


def test_messages_for_one_proxy_are_for_no_other_and_are_sent_until_acknowledged(story: Story) -> None:
    async def play() -> None:
        start = (await story.poll(0)).cursor
        await story.service.publish(answered("mine"), "prx")
        await story.service.publish(answered("others"), "other")
        await story.service.publish(answered("everybody's"))
        for _ in range(2):
            assert kinds(await story.poll(start)) == ["mine", "everybody's"]
        assert kinds(await story.poll(start, proxy="other")) == ["others", "everybody's"]

    asyncio.run(play())


@pytest.mark.parametrize("where", ["loop", "thread", "own transaction"])
def test_a_publication_wakes_a_waiting_poll_within_a_second(story: Story, where: str) -> None:
    def from_outside() -> None:
        asyncio.run(story.service.publish(answered("a")))

    def in_a_transaction() -> None:
        story.database.write_now(lambda connection: rows.append(connection, msgspec.json.encode(answered("a")), 1))

    async def play() -> None:
        start = (await story.poll(0)).cursor
        poll = asyncio.create_task(story.poll(start, wait=20))
        await until(lambda: bool(story.service._bell._waiting), "the poll waits")
        begun = time.monotonic()
        if where == "loop":
            await story.service.publish(answered("a"))
        else:
            threading.Thread(target=from_outside if where == "thread" else in_a_transaction).start()
        assert kinds(await poll) == ["a"]
        assert time.monotonic() - begun < 1

    asyncio.run(play())


def test_a_poll_ends_empty_when_its_time_is_over_whatever_others_get(story: Story) -> None:
    async def play() -> None:
        start = (await story.poll(0)).cursor
        poll = asyncio.create_task(story.poll(start, wait=0.3))
        await until(lambda: bool(story.service._bell._waiting), "the poll waits")
        last = await story.service.publish(answered("others"), "other")
        feed = await poll
        assert (feed.entries, feed.cursor) == ((), last)

    asyncio.run(play())


def test_closing_answers_everybody_who_waits(story: Story) -> None:
    async def play() -> None:
        start = (await story.poll(0)).cursor
        polls = [asyncio.create_task(story.poll(start, wait=20)) for _ in range(3)]
        await until(lambda: len(story.service._bell._waiting) == 3, "the polls wait")
        story.service.close()
        for feed in await asyncio.gather(*polls, story.poll(start, wait=20)):
            assert feed.entries == ()

    begun = time.monotonic()
    asyncio.run(play())
    assert time.monotonic() - begun < 5


def test_a_cursor_beyond_the_end_starts_again_with_a_snapshot(story: Story) -> None:
    async def play() -> None:
        start = (await story.poll(0)).cursor
        feed = await story.poll(start + 1000)
        assert (kinds(feed), feed.cursor) == (["snapshot"], start)

    asyncio.run(play())


def test_a_long_feed_comes_in_parts(story: Story) -> None:
    def fill(connection: rows.Connection) -> None:
        for number in range(BATCH + 3):
            rows.append(connection, msgspec.json.encode(answered(str(number))), 1)

    async def play() -> None:
        start = (await story.poll(0)).cursor
        await story.database.write(fill)
        first = await story.poll(start)
        second = await story.poll(first.cursor)
        assert kinds(first) + kinds(second) == [str(number) for number in range(BATCH + 3)]

    asyncio.run(play())


def test_what_everybody_has_is_pruned_and_cursors_are_never_used_again(story: Story) -> None:
    async def play() -> None:
        start = (await story.poll(0)).cursor
        for name in "abc":
            last = await story.service.publish(answered(name))
        await story.poll(start + 2)
        assert await story.service.prune(["prx", "other"]) == 0
        await story.poll(last, proxy="other")
        assert await story.service.prune(["prx", "other"]) == 2
        assert kinds(await story.poll(start + 2)) == ["c"]
        assert await story.service.publish(answered("d")) == last + 1

    asyncio.run(play())


def test_a_proxy_that_missed_what_was_pruned_for_its_age_gets_a_new_snapshot(story: Story) -> None:
    async def play() -> None:
        start = (await story.poll(0)).cursor
        for name in "abc":
            await story.service.publish(answered(name))
        story.now += MESSAGE_MAX_AGE + 1
        assert await story.service.prune(["prx"]) == 2
        assert kinds(await story.poll(start)) == ["snapshot", "c"]

    asyncio.run(play())
