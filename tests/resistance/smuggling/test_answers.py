"""What an upstream says is understood alike by everybody: what passes means to an agent what it meant before.

Each answer is said by a scripted upstream. Where the proxy lets it through, h11 and http.client must read the proxy's
words alike, and as h11 reads the upstream's own; nothing of what stands behind the answer may be in it.
"""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest
from tests.resistance.conftest import Served, started
from tests.resistance.raw import exchanged
from tests.resistance.smuggling.answers import ANSWERS, SECOND
from tests.resistance.smuggling.reading import by_h11, by_http_client
from tests.support.plane import HOST, Plane
from tests.support.upstream import Talk, Upstream

METHODS = ("GET", "HEAD")
AT_ONCE = 8


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    with started(tmp_path_factory.mktemp("plane"), TF_IDLE_TIMEOUT="2") as own:
        yield own


async def said(talk: Talk) -> None:
    """The answer whose number the path says, and the end of the connection."""
    head = await talk.head()
    await talk.say(ANSWERS[int(head.split(b" ")[1].split(b"/")[-1])])


def ask(proxy: Plane, method: str, number: int) -> bytes:
    head = f"{method} /{number} HTTP/1.1\r\nHost: {HOST}\r\nConnection: close\r\n\r\n"
    wire = proxy.tunnel()
    return exchanged(wire, head.encode())


@pytest.fixture(scope="module", params=METHODS)
def heard(request: pytest.FixtureRequest, served: tuple[Plane, Upstream]) -> tuple[str, list[bytes]]:
    """The method, and what the agent heard of each answer."""
    proxy, upstream = served
    upstream.script = said
    with ThreadPoolExecutor(AT_ONCE) as pool:
        got = list(pool.map(lambda number: ask(proxy, request.param, number), range(len(ANSWERS))))
    proxy.hang_up()
    return request.param, got


def test_two_clients_read_it_alike(heard: tuple[str, list[bytes]]) -> None:
    method, got = heard
    for number, words in enumerate(got):
        ours = by_h11(words, method)
        assert ours == by_http_client(words, method), ANSWERS[number]


def test_it_means_what_the_upstream_meant(heard: tuple[str, list[bytes]]) -> None:
    method, got = heard
    passed = 0
    for number, words in enumerate(got):
        ours, meant = by_h11(words, method), by_h11(ANSWERS[number], method)
        if ours is None or ours.status == 502:  # which no upstream says here
            continue
        assert meant is not None, ANSWERS[number]
        assert (ours.status, ours.fields) == (meant.status, meant.fields), ANSWERS[number]
        if ours.whole:
            passed += 1
            assert ours.body == meant.body, ANSWERS[number]
    assert passed > 30, "hardly anything was let through: the answers try nothing"


def test_what_stands_behind_it_is_not_heard(heard: tuple[str, list[bytes]]) -> None:
    """But for an answer that ends with the connection, of which it is a part."""
    method, got = heard
    for number, words in enumerate(got):
        meant = by_h11(ANSWERS[number], method)
        assert b"smuggled" not in words or (meant is not None and SECOND in meant.body), ANSWERS[number]
