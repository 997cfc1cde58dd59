"""The last good snapshot on disk: it survives a restart, is sealed, and its age goes on counting."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest
from tests.proxy.feed.sides import Plane, Proxy, run
from tests.support.link_server import TOKEN, LinkServer
from tests.support.snapshots import snapshot
from tests.support.waiting import until


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
