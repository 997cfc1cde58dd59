"""A feed follows its control plane, through answers that are none and absences."""

from __future__ import annotations

import asyncio
import math

import pytest
from tests.proxy.feed.sides import Plane, Proxy, run
from tests.support.link_server import TOKEN, LinkServer
from tests.support.snapshots import answered, snapshot
from tests.support.waiting import until

from tameflare.core.errors import SettingError
from tameflare.proxy.link_client import check_server_url


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
