"""The feed against a control plane over real HTTP."""

from __future__ import annotations

import asyncio
import contextlib
import math
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from pathlib import Path

import msgspec
import pytest
from tests.support.link_server import TOKEN, LinkServer
from tests.support.snapshots import answered, snapshot
from tests.support.snapshots import feed as answer
from tests.support.waiting import until

from tameflare.core.config import Configuration
from tameflare.core.errors import InvalidValue, SettingError
from tameflare.core.secret import Secret
from tameflare.link.messages import ApprovalAnswered, Bundle, Message, Snapshot
from tameflare.proxy.feed import Feed
from tameflare.proxy.link_client import check_server_url


class Plane:
    """What the control plane would say: the messages after a cursor, at the newest snapshot only."""

    def __init__(self, server: LinkServer) -> None:
        self.server = server
        self.messages: list[Message] = []
        self.wire = 1
        server.feed = self.after

    def publish(self, *messages: Message) -> None:
        self.messages += messages

    def after(self, cursor: int) -> bytes:
        return answer(len(self.messages), *self.messages[cursor:], wire=self.wire)


class Proxy:
    """The proxy's side: what was applied, and a clock."""

    def __init__(self, directory: Path, url: str, token: str = TOKEN) -> None:
        self.applied: list[tuple[int, str]] = []
        self.answered: list[str] = []
        self.now = 1_700_000_000.0
        self.steady = 1000.0
        self.fault: Exception | None = None
        self.feed = Feed(
            url,
            Secret(token),
            directory,
            self.apply,
            lambda: self.now,
            {ApprovalAnswered: lambda message: self.answered.append(message.approval)},
            wait_seconds=0.01,
            backlog=lambda: 4711,
            epoch="life-1",
            tick=lambda: self.steady,
        )

    def apply(self, configuration: Configuration, bundle: Bundle) -> None:
        if self.fault is not None:
            raise self.fault
        self.applied.append((configuration.version, bundle.credentials[0].value))

    @contextlib.asynccontextmanager
    async def following(self) -> AsyncIterator[Feed]:
        task = asyncio.create_task(self.feed.run())
        try:
            yield self.feed
        finally:
            task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await task


@pytest.fixture
def server() -> Iterator[LinkServer]:
    running = LinkServer()
    running.start()
    yield running
    running.stop()


@pytest.fixture
def plane(server: LinkServer) -> Plane:
    return Plane(server)


@pytest.fixture
def proxy(server: LinkServer, tmp_path: Path) -> Proxy:
    return Proxy(tmp_path, server.url)


def run(story: Callable[[], Awaitable[None]]) -> None:
    asyncio.run(asyncio.wait_for(story(), 30))


def test_a_snapshot_is_applied_with_its_credentials(plane: Plane, proxy: Proxy) -> None:
    plane.publish(snapshot(1, TOKEN, "sk-live-1"))

    async def story() -> None:
        assert proxy.feed.age(proxy.now) == math.inf
        async with proxy.following() as feed:
            await until(lambda: feed.version == 1 and feed.connected, "the first")
            assert (feed.proxy_id, feed.age(proxy.now + 5)) == ("px_1", 5)
            plane.publish(snapshot(2, TOKEN, "sk-live-2"))
            await until(lambda: feed.version == 2, "the second")

    run(story)
    assert proxy.applied == [(1, "sk-live-1"), (2, "sk-live-2")]


def test_the_first_question_is_answered_at_once_and_later_ones_wait(plane: Plane, proxy: Proxy) -> None:
    async def story() -> None:
        async with proxy.following():
            await until(lambda: len(plane.server.polls) > 2, "polls")

    run(story)
    assert [wait for _, wait in plane.server.polls[:2]] == [0, 0.01]
    assert (plane.server.backlogs[0], plane.server.epochs[0]) == (4711, "life-1")


def test_the_same_version_is_applied_once(plane: Plane, proxy: Proxy) -> None:
    again = snapshot(3, TOKEN)
    plane.publish(again, again)

    async def story() -> None:
        async with proxy.following() as feed:
            await until(lambda: feed.connected, "an answer")

    run(story)
    assert len(proxy.applied) == 1


def test_an_older_version_is_refused(plane: Plane, proxy: Proxy) -> None:
    plane.publish(snapshot(5, TOKEN))

    async def story() -> None:
        async with proxy.following() as feed:
            await until(lambda: feed.connected, "the first")
            plane.publish(snapshot(4, TOKEN))
            await until(lambda: "offers configuration 4, this proxy has 5" in feed.problem, "the refusal")
            heard = feed.age(proxy.now)
            proxy.now += 100
            assert feed.age(proxy.now) == heard + 100, "what cannot be used is no word"
            plane.publish(snapshot(6, TOKEN))

    run(story)
    assert proxy.applied == [(5, "sk-live-1")]


def broken_signature() -> Snapshot:
    return msgspec.structs.replace(snapshot(2, TOKEN), signature=b"\0" * 64)


def broken_configuration() -> Snapshot:
    good = snapshot(2, TOKEN)
    edited = good.configuration.replace(b'"gateways":[]', b'"gateways": []')
    assert edited != good.configuration
    return msgspec.structs.replace(good, configuration=edited)


def sealed_for_another() -> Snapshot:
    return snapshot(2, "gwln_another")


@pytest.mark.parametrize("bad", [broken_signature, broken_configuration, sealed_for_another])
def test_a_snapshot_that_is_not_genuine_leaves_the_last_good_one(
    plane: Plane, proxy: Proxy, tmp_path: Path, bad: Callable[[], Snapshot]
) -> None:
    plane.publish(snapshot(1, TOKEN))

    async def story() -> None:
        async with proxy.following() as feed:
            await until(lambda: feed.connected, "the first")
            plane.publish(bad())
            await until(lambda: not feed.connected, "the refusal")
            assert feed.version == 1

    run(story)
    assert proxy.applied == [(1, "sk-live-1")]
    restarted = Proxy(tmp_path, "http://127.0.0.1:1")
    assert asyncio.run(restarted.feed.load())
    assert restarted.applied == [(1, "sk-live-1")]


def test_other_messages_come_through_beside_a_bad_snapshot(plane: Plane, proxy: Proxy) -> None:
    plane.publish(sealed_for_another(), answered("apr_1"))

    async def story() -> None:
        async with proxy.following():
            await until(lambda: "apr_1" in proxy.answered, "the message")

    run(story)
    assert proxy.applied == []


def test_a_configuration_that_cannot_be_compiled_leaves_the_last_good_one(plane: Plane, proxy: Proxy) -> None:
    plane.publish(snapshot(1, TOKEN))

    async def story() -> None:
        async with proxy.following() as feed:
            await until(lambda: feed.connected, "the first")
            proxy.fault = InvalidValue("unknown connector type `x`")
            plane.publish(snapshot(2, TOKEN))
            await until(lambda: feed.problem == "unknown connector type `x`", "the refusal")
            proxy.fault = None
            await until(lambda: feed.version == 2, "another attempt")

    run(story)


def test_a_newer_wire_version_is_told_and_nothing_applied(plane: Plane, proxy: Proxy) -> None:
    plane.publish(snapshot(1, TOKEN))

    async def story() -> None:
        async with proxy.following() as feed:
            await until(lambda: feed.connected, "the first")
            plane.wire = 2
            plane.publish(snapshot(2, TOKEN))
            await until(lambda: "speaks wire version 2" in feed.problem, "the problem being told")
            assert feed.version == 1

    run(story)
    assert "upgrade this proxy" in proxy.feed.problem


def test_a_restart_without_control_plane_begins_with_the_last_good_one(
    plane: Plane, proxy: Proxy, tmp_path: Path
) -> None:
    plane.publish(snapshot(7, TOKEN, "sk-live-7"))

    async def story() -> None:
        async with proxy.following() as feed:
            await until(lambda: feed.connected, "the first")
            proxy.now += 60  # nothing new, but still in force
            await until(lambda: feed.age(proxy.now) == 0, "a later word")

    run(story)
    restarted = Proxy(tmp_path, "http://127.0.0.1:1")
    assert asyncio.run(restarted.feed.load())
    assert restarted.applied == [(7, "sk-live-7")]
    assert restarted.feed.version == 7
    assert restarted.feed.age(proxy.now + 30) == pytest.approx(30)


def test_after_a_restart_an_older_version_is_still_refused(plane: Plane, proxy: Proxy, tmp_path: Path) -> None:
    plane.publish(snapshot(7, TOKEN))

    async def first() -> None:
        async with proxy.following() as feed:
            await until(lambda: feed.connected, "the first")

    async def second() -> None:
        assert await restarted.feed.load()
        async with restarted.following() as feed:
            await until(lambda: "offers configuration 6" in feed.problem, "the refusal")

    run(first)
    plane.messages = [snapshot(6, TOKEN)]
    restarted = Proxy(tmp_path, plane.server.url)
    run(second)


def test_what_is_kept_on_disk_is_sealed_and_private(plane: Plane, proxy: Proxy, tmp_path: Path) -> None:
    plane.publish(snapshot(1, TOKEN, "sk-live-very-secret"))

    async def story() -> None:
        async with proxy.following() as feed:
            await until(lambda: feed.connected, "the first")

    run(story)
    kept = tmp_path / "last-good.json"
    assert kept.stat().st_mode & 0o777 == 0o600
    assert b"very-secret" not in kept.read_bytes()
    assert TOKEN.encode() not in kept.read_bytes()


@pytest.mark.parametrize("damage", [b"", b"{", b'{"proxy":"px_1","snapshot":{}}'])
def test_a_damaged_file_is_told_and_not_used(proxy: Proxy, tmp_path: Path, damage: bytes) -> None:
    (tmp_path / "last-good.json").write_bytes(damage)
    assert not asyncio.run(proxy.feed.load())
    assert "kept on disk cannot be used" in proxy.feed.problem


def test_a_first_start_has_nothing_on_disk(proxy: Proxy) -> None:
    assert not asyncio.run(proxy.feed.load())
    assert proxy.feed.version == 0


def test_a_file_of_another_token_is_not_used(plane: Plane, proxy: Proxy, tmp_path: Path) -> None:
    plane.publish(snapshot(1, TOKEN))

    async def story() -> None:
        async with proxy.following() as feed:
            await until(lambda: feed.connected, "the first")

    run(story)
    other = Proxy(tmp_path, plane.server.url, token="gwln_rotated")
    assert not asyncio.run(other.feed.load())
    assert "bundle cannot be opened" in other.feed.problem


def test_a_control_plane_that_comes_back_is_found(plane: Plane, proxy: Proxy) -> None:
    plane.publish(snapshot(1, TOKEN))

    async def story() -> None:
        async with proxy.following() as feed:
            await until(lambda: feed.connected, "the first")
            await asyncio.to_thread(plane.server.stop)
            await until(lambda: feed.problem == "the control plane cannot be reached", "the problem being told")
            plane.publish(snapshot(2, TOKEN))
            plane.server.start()
            await until(lambda: feed.version == 2, "the second")

    run(story)


@pytest.mark.parametrize(
    ("status", "body", "problem"),
    [
        (401, b"{}", "refuses this proxy's link token"),
        (503, b"{}", "answered 503"),
        (200, b"<html>", "answer cannot be read"),
        (200, b'{"wire":1}', "answer cannot be read"),
    ],
)
def test_answers_that_are_none_are_told(
    proxy: Proxy, server: LinkServer, status: int, body: bytes, problem: str
) -> None:
    server.feed_status, server.feed = status, lambda cursor: body

    async def story() -> None:
        async with proxy.following() as feed:
            await until(lambda: problem in feed.problem, "the problem being told")

    run(story)


def test_a_cursor_that_went_back_is_followed(plane: Plane, proxy: Proxy) -> None:
    plane.publish(answered("r1"), answered("r2"), snapshot(1, TOKEN))

    async def story() -> None:
        async with proxy.following() as feed:
            await until(lambda: feed.connected, "the first")
            plane.messages = [snapshot(2, TOKEN)]  # a control plane that was restored from a backup
            await until(lambda: plane.server.polls[-1][0] == 1, "the lower cursor")
            plane.publish(snapshot(3, TOKEN))
            await until(lambda: feed.version == 3, "what came after")

    run(story)


@pytest.mark.parametrize("url", ["http://tameflare.example", "ftp://x", "tameflare.example", "http://", "https://x?y"])
def test_addresses_that_would_tell_secrets_are_refused(url: str) -> None:
    with pytest.raises(SettingError, match="TF_SERVER_URL"):
        check_server_url(url)


@pytest.mark.parametrize(
    "url", ["http://127.0.0.1:3000/", "http://[::1]:3000", "http://localhost", "https://x.example/tf"]
)
def test_addresses_that_are_fine(url: str) -> None:
    assert check_server_url(url) == url.rstrip("/")


def test_a_clock_that_is_set_makes_no_configuration_younger(plane: Plane, proxy: Proxy) -> None:
    plane.publish(snapshot(1, TOKEN))

    async def story() -> None:
        async with proxy.following() as feed:
            await until(lambda: feed.connected, "the first")
        proxy.now -= 86400
        assert feed.age(proxy.now) == 0
        proxy.steady += 3600
        assert feed.age(proxy.now) == 3600, "an hour has passed, whatever the clock says"
        proxy.now += 2 * 86400
        assert feed.age(proxy.now) == 86400, "and a machine that slept did not listen"

    run(story)


def test_the_age_of_what_was_kept_goes_on_counting(
    plane: Plane, proxy: Proxy, tmp_path: Path, server: LinkServer
) -> None:
    plane.publish(snapshot(1, TOKEN))

    async def story() -> None:
        async with proxy.following() as feed:
            await until(lambda: feed.connected, "the first")
        later = Proxy(tmp_path, server.url)
        later.now += 500
        assert await later.feed.load()
        assert later.feed.age(later.now) == 500
        later.now -= 86400
        later.steady += 60
        assert later.feed.age(later.now) == 560

    run(story)
