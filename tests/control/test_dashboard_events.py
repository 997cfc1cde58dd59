"""The stream that tells open pages of news: what it says, and when it ends."""

from __future__ import annotations

import asyncio
import signal
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import httpx
import pytest
from tests.control.browsing import Browser, logged_in
from tests.control.records import frames, pair
from tests.control.running import PASSWORD, Running, running
from tests.control.test_serving import started
from tests.support.waiting import wait_for

from tameflare.control.dashboard import events
from tameflare.control.services.intake import Batch

EVENTS = "/dashboard/events"
STREAM = {"Accept": "text/event-stream"}


@pytest.fixture
def fresh(tmp_path: Path) -> Iterator[Running]:
    with running(tmp_path) as made:
        made.owner()
        yield made


@contextmanager
def listening(browser: Browser, topics: str = "state,traffic") -> Iterator[Iterator[str]]:
    """The lines of a stream, from its beginning on."""
    with browser.http.stream("GET", EVENTS, params={"topics": topics}, headers=STREAM) as answer:
        assert answer.status_code == 200
        assert answer.headers["content-type"].startswith("text/event-stream")
        assert answer.headers["cache-control"] == "no-store"
        lines = (line for line in answer.iter_lines() if line)
        assert next(lines) == "retry: 2000"
        yield lines


def throw(server: Running) -> None:
    """Any change of the configuration will do."""
    asyncio.run(server.services.feed.publish_configuration())


def deliver(server: Running) -> None:
    asyncio.run(server.services.intake.receive("prx_1", Batch("e1", 0, frames(pair("one")))))


def test_a_page_is_told_of_what_it_shows_and_of_nothing_else(fresh: Running) -> None:
    browser = logged_in(fresh)
    with listening(browser, "traffic") as lines:
        throw(fresh)
        deliver(fresh)
        assert [next(lines), next(lines)] == ["event: news", "data: traffic"]
    with listening(browser, "state,approvals") as lines:
        throw(fresh)
        assert [next(lines), next(lines)] == ["event: news", "data: state"]


def test_the_stream_beats_while_nothing_happens(fresh: Running, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(events, "BEAT_SECONDS", 0.01)
    with listening(logged_in(fresh)) as lines:
        assert [next(lines), next(lines)] == ["event: beat", "data:"]


def test_the_stream_ends_with_the_session(fresh: Running) -> None:
    browser, other = logged_in(fresh), logged_in(fresh)
    with listening(browser) as lines:
        other.submit("/dashboard", "/dashboard/logout", everywhere="1")
        throw(fresh)
        assert [line for line in lines if "beat" in line] == []
    assert browser.get(EVENTS, **STREAM).status_code == 401


def test_nobody_else_may_listen(fresh: Running) -> None:
    assert Browser(fresh).get(EVENTS + "?topics=state", **STREAM).status_code == 401
    owner = fresh.client("tfu_nonsense")
    assert owner.get(EVENTS + "?topics=state", headers=STREAM).status_code == 401


@pytest.mark.parametrize("topics", ["", "State", "a,b,c,d,e,f", "state\nevil", "x" * 21])
def test_topics_are_a_few_words(fresh: Running, topics: str) -> None:
    assert logged_in(fresh).http.get(EVENTS, params={"topics": topics}).status_code == 404


def test_one_person_has_so_many_streams_and_no_more(fresh: Running, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(events, "PER_PERSON", 2)
    fresh.register("Ada")
    browser, ada = logged_in(fresh), logged_in(fresh, "ada")
    with ExitStack() as open_streams:
        for _ in range(2):
            open_streams.enter_context(listening(browser))
        refused = browser.get(EVENTS + "?topics=state", **STREAM)
        assert (refused.status_code, refused.headers["retry-after"]) == (429, "60")
        open_streams.enter_context(listening(ada))

    def opens_again() -> bool:
        throw(fresh)
        with browser.http.stream("GET", EVENTS, params={"topics": "state"}, headers=STREAM) as answer:
            return answer.status_code == 200

    wait_for(opens_again, "the streams to be given back")


def test_an_open_page_does_not_hold_up_the_stop(tmp_path: Path) -> None:
    with started(tmp_path / "data", TF_STOP_TIMEOUT="60") as (process, url):
        code = (tmp_path / "data" / "server" / "setup-code").read_text().strip()
        with httpx.Client(base_url=url, trust_env=False, timeout=30) as client:
            person = {"name": "Ada", "email": "ada@example.com", "password": PASSWORD, "setup_code": code}
            page = client.get("/register")
            token = page.text.partition('name="csrf" value="')[2][:64]
            assert client.post("/register", data=person | {"csrf": token}, headers={"Origin": url}).status_code == 303
            with client.stream("GET", EVENTS, params={"topics": "state"}, headers=STREAM) as answer:
                assert answer.status_code == 200
                process.send_signal(signal.SIGTERM)
                out, log = process.communicate(timeout=20)
    assert process.returncode == 0, out + log
    assert token not in log
