"""What is over its time is dropped, at the start and every 24 hours, by the clock that the server is given."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator, Mapping
from contextlib import closing, contextmanager
from datetime import UTC, datetime
from pathlib import Path

import pytest
from structlog.testing import capture_logs
from structlog.typing import EventDict
from tests.control.records import pair
from tests.control.running import KEY, Clock
from tests.support.snapshots import answered

from tameflare.control.retention import DAY, Retention
from tameflare.control.services.context import Context
from tameflare.control.store.engine import DatabaseUnavailable
from tameflare.control.store.traffic import Delivery
from tameflare.control.store.traffic_read import Filter
from tameflare.control.store.traffic_write import Rows
from tameflare.control.wiring import Services
from tameflare.settings import Settings

KEEP_90 = {"AUDIT_RETENTION_DAYS": "90"}


class Story:
    """Services over new databases; `days` days go by in a moment."""

    def __init__(self, services: Services, clock: Clock) -> None:
        self.services = services
        self.clock = clock
        self.waits: list[float] = []

    def at(self, month: int, day: int) -> None:
        self.clock.now = datetime(2026, month, day, 12, tzinfo=UTC).timestamp()

    def arrive(self, month: int) -> None:
        """A record of the middle of that month."""
        self.at(month, 15)
        delivery = Delivery("prx", f"e{month}", 0, 2, Rows(pair(f"of month {month}")))
        assert asyncio.run(self.services.traffic.store(delivery))

    def live(self, days: int) -> list[EventDict]:
        """Let the job run from now on; returns the log."""

        async def wait(seconds: float) -> None:
            self.waits.append(seconds)
            if len(self.waits) == days:
                raise asyncio.CancelledError
            self.clock.now += seconds

        with capture_logs() as logs, pytest.raises(asyncio.CancelledError):
            asyncio.run(Retention(self.services, wait).run())
        return list(logs)

    def records(self) -> list[str]:
        return [row["request_id"] for row in asyncio.run(self.services.traffic.newest(Filter(), None, 100))]


@contextmanager
def opened(directory: Path, environment: Mapping[str, str]) -> Iterator[Story]:
    clock = Clock()
    settings = Settings({"SETTINGS_ENCRYPTION_KEY": KEY, **environment})
    with closing(Services.open(directory, Context(settings, clock=clock, steady=clock))) as services:
        yield Story(services, clock)


def test_a_month_goes_at_the_start_and_the_next_on_the_day_it_is_over_its_time(tmp_path: Path) -> None:
    with opened(tmp_path, KEEP_90) as story:
        for month in (6, 7, 8):
            story.arrive(month)
        story.at(10, 27)
        logs = story.live(days=5)
        assert story.waits == [DAY] * 5
        assert [(line["event"], line["months"]) for line in logs] == [
            ("retention.purged", ["202606"]),
            ("retention.purged", ["202607"]),
        ]
        assert story.records() == ["of month 8"]
        assert datetime.fromtimestamp(story.clock.now, UTC).date().isoformat() == "2026-10-31"


def test_without_the_setting_every_record_stays_and_nothing_is_logged(tmp_path: Path) -> None:
    with opened(tmp_path, {}) as story:
        story.arrive(1)
        story.at(12, 31)
        assert story.live(days=3) == []
        assert story.records() == ["of month 1"]


@pytest.mark.parametrize("environment", [{}, KEEP_90])
def test_old_messages_to_proxies_go_with_and_without_the_setting(
    tmp_path: Path, environment: Mapping[str, str]
) -> None:
    with opened(tmp_path, environment) as story:
        for name in "abc":
            asyncio.run(story.services.feed.publish(answered(name)))
        logs = story.live(days=9)
        assert [(line["event"], line["months"], line["messages"]) for line in logs] == [("retention.purged", [], 2)]


@pytest.mark.parametrize(
    ("fault", "told"),
    [
        (DatabaseUnavailable("the disk is full", "free some"), "the disk is full; free some"),
        (KeyError("x"), "KeyError"),
    ],
)
def test_a_purge_that_fails_is_logged_and_tried_again_the_next_day(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, fault: Exception, told: str
) -> None:
    with opened(tmp_path, KEEP_90) as story:
        story.arrive(1)
        story.at(12, 1)
        monkeypatch.setattr(story.services.traffic, "drop_before", _failing_once(story, fault))
        logs = story.live(days=2)
        assert [line["event"] for line in logs] == ["retention.failed", "retention.purged"]
        assert logs[0]["message"] == told
        assert story.records() == []


def _failing_once(story: Story, fault: Exception) -> Callable[[float], object]:
    works = story.services.traffic.drop_before

    async def drop_before(moment: float) -> list[str]:
        if not story.waits:
            raise fault
        return await works(moment)

    return drop_before
