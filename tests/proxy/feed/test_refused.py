"""Snapshots that a feed refuses: the last good one stays in force."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from pathlib import Path

import msgspec
import pytest
from tests.proxy.feed.sides import Plane, Proxy, run
from tests.support.link_server import TOKEN
from tests.support.snapshots import answered, snapshot
from tests.support.waiting import until

from tameflare.core.errors import InvalidValue
from tameflare.link.messages import Snapshot


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
