"""The link over HTTP: who may use it, and what its answers say."""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import Awaitable, Callable, Iterator
from pathlib import Path
from types import SimpleNamespace

import httpx
import msgspec
import pytest
from tests.control.link_server import TOKEN, application, services
from tests.control.records import frames, pair
from tests.support.snapshots import answered
from tests.support.waiting import until

from tameflare.control.services.intake import MAX_BODY
from tameflare.control.store.traffic_read import Filter
from tameflare.link.messages import FEED_PATH, RECORDS_PATH, Feed, Snapshot, SpoolPosition

BEARER = {"authorization": f"Bearer {TOKEN}"}


@pytest.fixture
def wired(tmp_path: Path) -> Iterator[SimpleNamespace]:
    made = services(tmp_path)
    yield made
    made.traffic.close()
    made.database.close()


def talk(wired: SimpleNamespace, story: Callable[[httpx.AsyncClient], Awaitable[httpx.Response]]) -> httpx.Response:
    async def play() -> httpx.Response:
        transport = httpx.ASGITransport(application(wired))
        async with httpx.AsyncClient(transport=transport, base_url="http://link") as client:
            return await story(client)

    return asyncio.run(play())


def deliver(wired: SimpleNamespace, sequence: int, body: bytes, **headers: str) -> httpx.Response:
    told = BEARER | {"x-tameflare-epoch": "e1", "x-tameflare-sequence": str(sequence)} | headers
    return talk(wired, lambda client: client.post(RECORDS_PATH, content=body, headers=told))


def poll(wired: SimpleNamespace, headers: dict[str, str] = BEARER, **query: str) -> httpx.Response:
    return talk(wired, lambda client: client.get(FEED_PATH, params=query, headers=headers))


@pytest.mark.parametrize(
    "authorization", [None, "", "Bearer", "Bearer gwln_wrong", f"Basic {TOKEN}", "Bearer tfu_x", f"Bearer {TOKEN}x"]
)
def test_only_a_link_token_opens_the_link(wired: SimpleNamespace, authorization: str | None) -> None:
    headers = {} if authorization is None else {"authorization": authorization}
    for answer in (poll(wired, headers), deliver(wired, 0, frames(pair("a")), authorization=authorization or "")):
        assert answer.status_code == 401
        assert answer.json()["error"] == "Unauthorized"
        assert answer.headers["www-authenticate"] == "Bearer"
        assert TOKEN not in answer.text
    assert asyncio.run(wired.traffic.newest(Filter(), None, 10)) == []


def test_the_feed_is_what_the_proxy_decodes(wired: SimpleNamespace) -> None:
    asyncio.run(wired.feed.publish(answered("apr_1")))
    answer = poll(wired, BEARER | {"x-tameflare-backlog": "4096"}, cursor="0", wait="0")
    assert (answer.status_code, answer.headers["content-type"]) == (200, "application/json")
    feed = msgspec.json.decode(answer.content, type=Feed)
    assert feed.proxy == "prx_1"
    snapshot, message = (entry.message for entry in feed.entries)
    assert snapshot == Snapshot(7, b'{"version":7}', b"signature", TOKEN.encode())
    assert message == answered("apr_1")
    assert wired.proxies.told == [(7, 4096)]


def test_a_token_revoked_during_the_wait_gets_no_snapshot(wired: SimpleNamespace) -> None:
    start = msgspec.json.decode(poll(wired).content, type=Feed).cursor

    async def story(client: httpx.AsyncClient) -> httpx.Response:
        waiting = asyncio.create_task(client.get(FEED_PATH, params={"cursor": start, "wait": 20}, headers=BEARER))
        await until(lambda: bool(wired.feed._bell._waiting), "the poll waits")
        wired.proxies.token = "gwln_another"
        await wired.feed.publish_configuration()
        return await waiting

    assert talk(wired, story).status_code == 401


@pytest.mark.parametrize("query", [{"cursor": "-1"}, {"cursor": "x"}, {"wait": "31"}, {"wait": "-1"}, {"wait": "nan"}])
def test_a_poll_that_makes_no_sense_is_refused(wired: SimpleNamespace, query: dict[str, str]) -> None:
    assert poll(wired, **query).status_code == 422


def test_records_are_answered_with_the_position(wired: SimpleNamespace) -> None:
    body = frames([*pair("a"), *pair("b")])
    for _ in range(2):
        answer = deliver(wired, 0, body)
        assert answer.status_code == 200
        assert msgspec.json.decode(answer.content, type=SpoolPosition) == SpoolPosition("e1", 4)


def test_a_gap_is_409_with_the_expected_position(wired: SimpleNamespace) -> None:
    answer = deliver(wired, 7, frames(pair("a")))
    assert answer.status_code == 409
    assert answer.json()["code"] == "sequence_gap"
    assert msgspec.json.decode(answer.content, type=SpoolPosition) == SpoolPosition("e1", 0)
    assert deliver(wired, 7, frames(pair("a")), **{"x-tameflare-missing": "7"}).json()["sequence"] == 9


@pytest.mark.parametrize(
    "headers",
    [
        {"x-tameflare-epoch": "../x"},
        {"x-tameflare-epoch": ""},
        {"x-tameflare-sequence": "-1"},
        {"x-tameflare-missing": "x"},
    ],
)
def test_a_delivery_without_a_place_is_refused(wired: SimpleNamespace, headers: dict[str, str]) -> None:
    assert deliver(wired, 0, frames(pair("a")), **headers).status_code == 422


def test_a_delivery_that_is_too_large_is_refused_announced_or_not(wired: SimpleNamespace) -> None:
    async def pieces() -> object:
        for _ in range(MAX_BODY // (1 << 20) + 1):
            yield b"x" * (1 << 20)

    place = BEARER | {"x-tameflare-epoch": "e1", "x-tameflare-sequence": "0"}
    for content in (b"x" * (MAX_BODY + 1), pieces()):
        answer = talk(wired, lambda client, body=content: client.post(RECORDS_PATH, content=body, headers=place))  # type: ignore[misc]
        assert (answer.status_code, answer.json()["code"]) == (413, "too_large")


def test_a_locked_database_is_503_and_the_same_delivery_is_taken_afterwards(wired: SimpleNamespace) -> None:
    other = sqlite3.connect(wired.traffic.database.path, isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    body = frames(pair("a"))
    answer = deliver(wired, 0, body)
    assert (answer.status_code, answer.json()["message"]) == (503, "the database is locked")
    assert answer.headers["retry-after"] == "1"
    other.execute("ROLLBACK")
    other.close()
    assert deliver(wired, 0, body).json() == {"epoch": "e1", "sequence": 2}


def test_a_database_that_is_gone_is_503(wired: SimpleNamespace, tmp_path: Path) -> None:
    (tmp_path / "traffic.db").rename(tmp_path / "elsewhere.db")
    answer = deliver(wired, 0, frames(pair("a")))
    assert (answer.status_code, answer.json()["message"]) == (503, "the database `traffic.db` is gone")
    (tmp_path / "tameflare.db").rename(tmp_path / "elsewhere2.db")
    assert poll(wired).status_code == 503
