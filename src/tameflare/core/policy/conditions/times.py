"""`time_between`: the clock on the wall of a time zone in a window."""

from __future__ import annotations

from datetime import datetime, tzinfo
from zoneinfo import ZoneInfo

from tameflare.core.errors import InvalidValue
from tameflare.core.policy.fields import NOW, UNREADABLE, Seen
from tameflare.core.policy.truth import ERROR, Check, Truth
from tameflare.core.policy.windows import Window


def time_between(window: Window) -> Check:
    """A window without a zone is in that of the installation."""
    zone = time_zone(window.timezone) if window.timezone else None

    def check(seen: Seen) -> Truth:
        moment = seen[NOW]
        if moment is UNREADABLE:
            return ERROR
        try:
            return inside(window, moment if zone is None else moment.astimezone(zone))
        except OverflowError:  # a day that is in the calendar here, and not there
            return ERROR

    return check


def time_zone(name: str) -> tzinfo:
    """Raises InvalidValue for a name that no time zone has."""
    try:
        return ZoneInfo(name)
    except (KeyError, ValueError, OSError):
        raise InvalidValue(f"there is no time zone `{name}`", "write an IANA name as `Europe/Vienna`") from None


def inside(window: Window, moment: datetime) -> bool:
    """Whether this moment, in its own zone, is in the window. What the clock shows is what counts: an hour that is
    repeated when summer time ends is inside twice, one that is left out never comes."""
    minute, weekday = moment.hour * 60 + moment.minute, moment.weekday()
    days = window.days or range(7)
    if window.start < window.end:
        return window.start <= minute < window.end and weekday in days
    if minute >= window.start:
        return weekday in days
    return minute < window.end and (weekday - 1) % 7 in days
