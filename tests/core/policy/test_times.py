"""Windows of time by the clock on the wall: over midnight, on days, in zones, and when clocks are changed."""

from __future__ import annotations

from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import pytest

from tameflare.core.action import Action
from tameflare.core.errors import InvalidValue
from tameflare.core.policy import model
from tameflare.core.policy.conditions.times import time_zone
from tameflare.core.policy.facts import Circumstances, Facts
from tameflare.core.policy.fields import UNREADABLE, Seen, reader
from tameflare.core.policy.model import Operator
from tameflare.core.policy.operators import probe
from tameflare.core.policy.windows import Window

BERLIN, TOKYO = "Europe/Berlin", "Asia/Tokyo"
OFFICE = Window(9 * 60, 17 * 60, (0, 1, 2, 3, 4))
NIGHT = Window(22 * 60, 6 * 60, (4,))  # from Friday, ten at night
TABLE = [
    # window                                     the clock in Berlin   inside
    (OFFICE,                                     "2026-11-20 09:00",   True),   # a Friday
    (OFFICE,                                     "2026-11-20 16:59",   True),
    (OFFICE,                                     "2026-11-20 17:00",   False),
    (OFFICE,                                     "2026-11-20 08:59",   False),
    (OFFICE,                                     "2026-11-21 12:00",   False),
    (NIGHT,                                      "2026-11-20 22:00",   True),
    (NIGHT,                                      "2026-11-21 05:59",   True),   # begun on Friday
    (NIGHT,                                      "2026-11-21 06:00",   False),
    (NIGHT,                                      "2026-11-21 22:00",   False),
    (NIGHT,                                      "2026-11-20 05:59",   False),  # begun on Thursday
    (Window(22 * 60, 6 * 60, (6,)),              "2026-11-23 01:00",   True),   # from Sunday into Monday
    (Window(9 * 60, 9 * 60, (0,)),               "2026-11-24 08:59",   True),   # a whole day from nine
    (Window(9 * 60, 9 * 60, (0,)),               "2026-11-24 09:00",   False),
    (Window(22 * 60, 0),                         "2026-11-20 23:59",   True),
    (Window(22 * 60, 0),                         "2026-11-21 00:00",   False),
    (Window(),                                   "2026-11-21 00:00",   True),
    (Window(0, 1440, (5,)),                      "2026-11-21 23:59",   True),
    (Window(0, 1440, (5,)),                      "2026-11-22 00:00",   False),
    (Window(9 * 60, 17 * 60, (), TOKYO),         "2026-11-20 01:00",   True),   # nine in Tokyo
    (Window(9 * 60, 17 * 60, (5,), TOKYO),       "2026-11-20 23:30",   False),  # half past seven on Saturday there
    (Window(7 * 60, 17 * 60, (5,), TOKYO),       "2026-11-20 23:30",   True),
]  # fmt: skip


def moment(written: str, zone: str = BERLIN, fold: int = 0) -> float:
    return datetime.fromisoformat(written).replace(tzinfo=ZoneInfo(zone), fold=fold).timestamp()


def at(time: float) -> Facts:
    return Facts(Action("x.y.z"), "", "", "", "", "", Circumstances(time))


def inside(window: Window, time: float, zone: str = BERLIN) -> bool | None:
    found = probe(model.Test("time", Operator.TIME_BETWEEN, window), ZoneInfo(zone))
    return found.check(Seen(at(time), {found.key: found.read}))


@pytest.mark.parametrize(("window", "clock", "is_inside"), TABLE)
def test_a_window_is_open(window: Window, clock: str, is_inside: bool) -> None:
    assert inside(window, moment(clock)) is is_inside


def test_an_hour_that_comes_twice_is_inside_twice() -> None:
    window = Window(2 * 60, 3 * 60)
    first, second = (moment("2026-10-25 02:30", fold=fold) for fold in (0, 1))
    assert second - first == 3600
    assert [inside(window, time) for time in (first, second)] == [True, True]


def test_an_hour_that_is_left_out_never_comes() -> None:
    last, first = moment("2026-03-29 01:59"), moment("2026-03-29 03:00")
    assert first - last == 60
    window = Window(2 * 60, 3 * 60)
    assert [inside(window, time) for time in (last, first)] == [False, False]


def test_a_window_over_midnight_lasts_an_hour_less_when_clocks_go_forward() -> None:
    window = Window(22 * 60, 6 * 60)
    hours = [moment("2026-03-28 22:00") + 3600 * hour for hour in range(9)]
    assert [inside(window, time) for time in hours] == [True] * 7 + [False] * 2


def test_fields_of_the_time_are_read_in_the_zone() -> None:
    time = datetime(2026, 11, 22, 23, 30, tzinfo=UTC).timestamp()
    names = ("year", "month", "day", "hour", "minute", "weekday", "date")
    read = [reader(f"time.{name}", ZoneInfo(BERLIN))(at(time)) for name in names]
    assert read == [2026, 11, 23, 0, 30, "monday", "2026-11-23"]


def test_a_time_that_no_calendar_has_cannot_be_read() -> None:
    assert reader("time.hour", ZoneInfo(BERLIN))(at(1e18)) is UNREADABLE
    assert inside(OFFICE, float("inf")) is None
    last = datetime.max.replace(tzinfo=UTC).timestamp() - 3600
    assert inside(Window(), last, "UTC") is True
    assert inside(Window(timezone=TOKYO), last, "UTC") is None


def test_without_a_zone_times_cannot_be_read() -> None:
    assert reader("time.hour", None)(at(0.0)) is UNREADABLE


@pytest.mark.parametrize("name", ["Europe/Atlantis", "", "../../etc/passwd", "Europe"])
def test_a_zone_that_there_is_not_is_refused(name: str) -> None:
    with pytest.raises(InvalidValue, match="no time zone"):
        time_zone(name)
    with pytest.raises(InvalidValue):
        probe(model.Test("time", Operator.TIME_BETWEEN, Window(timezone=name or "-")), ZoneInfo(BERLIN))
