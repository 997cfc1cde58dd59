"""The record across months: reading, joining, retention."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest
from tests.control.records import intent, outcome, pair, refusal
from tests.control.store.conftest import KINDS, Place

from tameflare.control.store.traffic import Delivery, tables_of
from tameflare.control.store.traffic_read import Filter, Found
from tameflare.control.store.traffic_schema import TrafficTooNew
from tameflare.control.store.traffic_write import Rows
from tameflare.link.messages import Record, RecordedAction


class Story:
    """A store whose clock the test sets, fed with one record after the other."""

    def __init__(self, place: Place) -> None:
        self.now = 0.0
        self.store = place.traffic(lambda: self.now)
        self._sequence = 0

    def at(self, year: int, month: int, day: int = 15) -> None:
        self.now = datetime(year, month, day, tzinfo=UTC).timestamp()

    def arrive(self, *records: Record) -> None:
        delivery = Delivery("prx", "e1", self._sequence, len(records), Rows(records))
        assert asyncio.run(self.store.store(delivery))
        self._sequence += len(records)

    def newest(self, wanted: Filter = Filter(), before: int | None = None, limit: int = 100) -> list[Found]:  # noqa: B008 - frozen
        return asyncio.run(self.store.newest(wanted, before, limit))

    def names(self, wanted: Filter = Filter(), before: int | None = None, limit: int = 100) -> list[str]:  # noqa: B008 - frozen
        return [row["request_id"] for row in self.newest(wanted, before, limit)]

    def following(self, after: int, limit: int = 100) -> list[Found]:
        return asyncio.run(self.store.following(Filter(), after, limit))

    def months(self) -> list[str]:
        return asyncio.run(self.store.months())

    def epochs(self, table: str) -> list[str]:
        query = f"SELECT epoch FROM {table}"
        return self.store.database.read_now(
            lambda connection: [epoch for (epoch,) in tables_of(connection).execute(query).fetchall()]
        )


@pytest.fixture
def story(place: Place) -> Story:
    made = Story(place)
    made.at(2026, 11)
    return made


def test_pages_span_months_newest_first(story: Story) -> None:
    for month in (9, 10, 11):
        story.at(2026, month)
        for number in range(3):
            story.arrive(*pair(f"{month}-{number}"))
    everything = ["11-2", "11-1", "11-0", "10-2", "10-1", "10-0", "9-2", "9-1", "9-0"]
    assert story.names() == everything
    paged: list[str] = []
    before: int | None = None
    while page := story.newest(before=before, limit=2):
        paged += [row["request_id"] for row in page]
        before = page[-1]["id"]
    assert paged == everything
    assert story.months() == ["202611", "202610", "202609"]


def test_a_clock_that_goes_back_keeps_the_order(story: Story) -> None:
    story.arrive(*pair("first"))
    story.at(2026, 10)
    story.arrive(*pair("second"))
    story.at(2026, 11)
    story.arrive(*pair("third"))
    assert story.names() == ["third", "second", "first"]
    assert [row["request_id"] for row in story.following(0)] == ["first", "second", "third"]


@pytest.mark.parametrize("order", [0, 1])
def test_a_request_over_the_turn_of_a_month_is_one_row(story: Story, order: int) -> None:
    halves: list[Record] = [intent("a"), outcome("a")]
    story.arrive(halves[order])
    story.at(2026, 12, 1)
    story.arrive(*pair("b"))
    story.arrive(halves[1 - order])
    assert [(row["request_id"], row["parts"]) for row in story.newest()] == [("a", 3), ("b", 3)]


def test_the_tail_gives_each_request_once_when_it_has_ended(story: Story) -> None:
    story.arrive(intent("slow"), *pair("quick"))
    seen = story.following(0)
    assert [row["request_id"] for row in seen] == ["quick"]
    story.arrive(outcome("slow"))
    assert [row["request_id"] for row in story.following(seen[-1]["id"])] == ["slow"]
    assert story.following(story.following(0)[-1]["id"]) == []
    assert asyncio.run(story.store.last_id()) == story.following(0)[-1]["id"]


def test_retention_drops_whole_months(story: Story) -> None:
    for month in (9, 10, 11):
        story.at(2026, month)
        story.arrive(*pair(str(month)))
    kept_from = datetime(2026, 10, 20, tzinfo=UTC).timestamp()
    assert asyncio.run(story.store.drop_before(kept_from)) == ["202609"]
    assert story.names() == ["11", "10"]
    story.arrive(*pair("next"))
    assert asyncio.run(story.store.drop_before(datetime(2027, 1, 1, tzinfo=UTC).timestamp())) == ["202611", "202610"]
    story.arrive(*pair("after"))
    assert story.newest()[0]["id"] == 5


def test_retention_takes_what_was_noted_of_lost_and_unreadable_records_too(story: Story) -> None:
    for month, sequence in ((10, 4), (11, 6)):
        story.at(2026, month)
        delivery = Delivery("prx", f"e{month}", sequence, 1, Rows(()), ((sequence, b"strange"),), missing=sequence)
        assert asyncio.run(story.store.store(delivery))
    asyncio.run(story.store.drop_before(datetime(2026, 11, 1, tzinfo=UTC).timestamp()))
    for table in ("missing", "unreadable"):
        assert story.epochs(table) == ["e11"]


def test_filters(story: Story) -> None:
    story.arrive(*pair("a"), refusal("b", agent="agt_2", time=1_790_000_100.0))
    closing = (RecordedAction("github.pr.update", "low", "write"), RecordedAction("github.pr.close", "low", "write"))
    story.arrive(refusal("c", gateway="gtw_2", actions=closing, time=1_790_000_200.0))
    assert story.names(Filter(agents=("agt_2",))) == ["b"]
    assert story.names(Filter(agents=("agt_2", "agt_1"))) == ["c", "b", "a"]
    assert story.names(Filter(agents=())) == []
    assert story.names(Filter(gateways=("gtw_2",))) == ["c"]
    assert story.names(Filter(decision="deny")) == ["c", "b"]
    assert story.names(Filter(request_id="a")) == ["a"]
    assert story.names(Filter(action="github.pr.close")) == ["c"]
    assert story.names(Filter(action="github.pr.m*")) == ["b", "a"]
    assert story.names(Filter(since=1_790_000_100.0)) == ["c", "b"]
    assert story.names(Filter(since=1_790_000_100.0, decision="deny", agents=("agt_2",))) == ["b"]


def test_a_request_is_found_by_its_index(tmp_path: Path) -> None:
    with contextlib.ExitStack() as opened:
        story = Story(Place(tmp_path, None, opened))
        story.at(2026, 11)
        story.arrive(*pair("a"))
        look_at_plan(story)


def look_at_plan(story: Story) -> None:
    plan = story.store.database.read_now(
        lambda connection: connection.exec_driver_sql(
            "EXPLAIN QUERY PLAN SELECT * FROM traffic_202611 WHERE request_id = 'a' ORDER BY id DESC LIMIT 1"
        ).fetchall()
    )
    assert "request_id=?" in str(plan)


def test_a_batch_that_is_not_next_is_not_stored(story: Story) -> None:
    story.arrive(*pair("a"))
    assert not asyncio.run(story.store.store(Delivery("prx", "e1", 0, 2, Rows(pair("b")))))
    assert not asyncio.run(story.store.store(Delivery("prx", "e1", 3, 2, Rows(pair("b")))))
    assert story.names() == ["a"]


def test_a_record_of_a_later_version_is_refused(place: Place) -> None:
    story = Story(place)
    later = "PRAGMA user_version=9" if place.url is None else "UPDATE traffic_version SET version = 9"
    story.store.database.write_now(lambda connection: connection.exec_driver_sql(later).close())
    story.store.close()
    with pytest.raises(TrafficTooNew, match="schema 9"):
        Story(place)


def test_what_was_stored_is_there_after_opening_again(place: Place) -> None:
    story = Story(place)
    story.arrive(*pair("a"))
    story.store.close()
    assert asyncio.run(Story(place).store.position("prx", "e1")) == 2


def test_both_halves_of_a_request_in_one_month_and_their_flags_are_one_row(story: Story) -> None:
    story.arrive(intent("a", flags=("one",)), intent("b"), intent("c", flags=("x", "y")))
    story.arrive(outcome("b", flags=("late",)), outcome("a", flags=("two",)), outcome("c"), *pair("d"))
    found = {row["request_id"]: (row["parts"], row["flags"]) for row in story.newest()}
    assert found == {"a": (3, '["one","two"]'), "b": (3, '["late"]'), "c": (3, '["x","y"]'), "d": (3, "[]")}


def test_a_record_with_a_character_that_no_text_may_hold_is_kept(story: Story) -> None:
    story.arrive(refusal("a", path="/a\0b", message="\0"))
    (row,) = story.newest()
    assert row["path"] in ("/a\0b", "/a\N{SYMBOL FOR NULL}b")
    assert story.names(Filter(decision="deny")) == ["a"]


@pytest.mark.parametrize(
    ("glob", "fits"),
    [
        ("github.pr.merge", True),
        ("github.*", True),
        ("*", True),
        ("github.pr.m?rge", True),
        ("github.pr.[a-m]erge", True),
        ("github.pr.[^a-m]erge", False),
        ("github.pr.[z-a]erge", False),
        ("github.pr.[merge", False),
        ("github.pr", False),
        ("github+pr.merge", False),
        ("GITHUB.*", False),
        ("", True),
        ("(", False),
        ("%", False),
    ],
)
def test_globs_mean_the_same_on_both(pages: Story, glob: str, fits: bool) -> None:
    assert pages.names(Filter(action=glob)) == (["a"] if fits else [])


@pytest.fixture(scope="module", params=KINDS)
def pages(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Story]:
    """With one row, for questions alone."""
    url = request.getfixturevalue("databases").empty() if request.param == "postgresql" else None
    with contextlib.ExitStack() as opened:
        made = Story(Place(tmp_path_factory.mktemp("pages"), url, opened))
        made.at(2026, 11)
        made.arrive(*pair("a"))
        yield made
