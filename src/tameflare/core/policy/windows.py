"""Windows of time: what `time_between` compares the clock with."""

from __future__ import annotations

from typing import Final

import msgspec

WEEKDAYS: Final = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
MINUTES_OF_A_DAY: Final = 1440


class Window(msgspec.Struct, frozen=True):
    """From `start` until before `end`, in minutes after midnight; `end` at or before `start` is on the next day.

    `days` are those on which it begins, 0 for Monday; none means all. `timezone` is an IANA name; empty means the
    installation's.
    """

    start: int = 0
    end: int = MINUTES_OF_A_DAY
    days: tuple[int, ...] = ()
    timezone: str = ""
