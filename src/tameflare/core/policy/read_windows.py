"""Windows of time as they are written: `{days: mon-fri, hours: "09:00-17:00", timezone: Europe/Berlin}`."""

from __future__ import annotations

import re
from functools import cache
from importlib import resources
from typing import Final

from tameflare.core.policy import limits
from tameflare.core.policy.diagnostics import meant, quoted
from tameflare.core.policy.form import Form, said, text
from tameflare.core.policy.nodes import Faults, Mapping, Node, Scalar, Sequence
from tameflare.core.policy.windows import MINUTES_OF_A_DAY, WEEKDAYS, Window

_KEYS: Final = ("days", "hours", "timezone")
_INSTEAD: Final = {"tz": "timezone", "zone": "timezone", "weekdays": "days", "time": "hours", "times": "hours"}
_DAYS: Final = {name: number for number, day in enumerate(WEEKDAYS) for name in (day, day[:3])}
_HOURS: Final = re.compile(r"(\d{1,2}):(\d\d)\s*(?:-|\s+to\s+)\s*(\d{1,2}):(\d\d)")
_HOURS_HELP: Final = 'write `hours: "09:00-17:00"`; the second may be earlier, and is then on the next day'
_DAYS_HELP: Final = "write `mon-fri`, or a list as `[mon, wed, fri]`"


def window_of(node: Node, faults: Faults) -> Window | None:
    """The window, or None where it is faulty, which was then told."""
    if not isinstance(node, Mapping):
        help_ = 'write `{days: mon-fri, hours: "09:00-17:00", timezone: Europe/Berlin}`, or some of these'
        faults.add(node, f"the value of `time_between` is {said(node)}", help_)
        return None
    before = len(faults)
    form = Form(node, "a window", _KEYS, faults, _INSTEAD)
    if not any(form.has(key) for key in _KEYS[:2]):
        faults.add(node, "a window of all times", "write `days`, `hours`, or both")
    start, end = _hours(form.node("hours"), faults)
    window = Window(start, end, _days(form.node("days"), faults), _timezone(form, faults))
    return None if len(faults) > before else window


def _hours(node: Node | None, faults: Faults) -> tuple[int, int]:
    """Minutes after midnight of both ends."""
    if node is None:
        return 0, MINUTES_OF_A_DAY
    if isinstance(node, Sequence) and len(node.items) == 2 and all(isinstance(item, Scalar) for item in node.items):
        written = "-".join(item.text for item in node.items if isinstance(item, Scalar))
    else:
        written = text(node, "`hours`", limits.FIELD, faults)
    found = _HOURS.fullmatch(written.strip())
    if found is None:
        if written:
            faults.add(node, f"`hours` are {quoted(written)}", _HOURS_HELP)
        return 0, 0
    first, second = (int(hour) * 60 + int(minute) for hour, minute in (found.group(1, 2), found.group(3, 4)))
    if max(int(found[2]), int(found[4])) > 59 or first >= MINUTES_OF_A_DAY or second > MINUTES_OF_A_DAY:
        faults.add(node, f"`hours` are {quoted(written)}", "a day goes from `00:00` to `24:00`")
    elif first == second:
        faults.add(
            node, f"`hours` begin and end at {quoted(found[1] + ':' + found[2])}", "leave them out for whole days"
        )
    return first, second


def _days(node: Node | None, faults: Faults) -> tuple[int, ...]:
    if node is None:
        return ()
    items: list[Node] = [node]
    if isinstance(node, Sequence):
        items = node.items
        if not items:
            faults.add(node, "`days` are empty", "leave them out for all days")
    found: set[int] = set()
    for item in items:
        found.update(_range(item, text(item, "`days`", limits.FIELD, faults), faults))
    return tuple(sorted(found))


def _range(node: Node, written: str, faults: Faults) -> list[int]:
    """One day, or those from one to another."""
    words = [word.strip().lower() for word in written.split("-")]
    if not written:
        return []
    if len(words) > 2:
        faults.add(node, f"no days {quoted(written)}", _DAYS_HELP)
        return []
    for word in words:
        if word not in _DAYS:
            faults.add(node, f"no day {quoted(word)}", meant(word, WEEKDAYS, _DAYS_HELP))
            return []
    first, last = _DAYS[words[0]], _DAYS[words[-1]]
    return [(first + step) % 7 for step in range((last - first) % 7 + 1)]


def _timezone(form: Form, faults: Faults) -> str:
    name = form.text("timezone", limits.NAME)
    if name and name not in zones():
        node = form.node("timezone")
        assert node is not None
        faults.add(node, f"no time zone {quoted(name)}", _near_zone(name))
    return name


def _near_zone(name: str) -> str:
    by_lower = {zone.lower(): zone for zone in zones()}
    city = {zone.rpartition("/")[2].lower(): zone for zone in sorted(zones())}
    exact = by_lower.get(name.lower()) or city.get(name.lower().replace(" ", "_"))
    if exact:
        return f"did you mean `{exact}`?"
    near = meant(name, by_lower, "write an IANA name, as `Europe/Berlin` or `UTC`")
    return near.replace(near[14:-2], by_lower[near[14:-2]]) if near.startswith("did you mean `") else near


@cache
def zones() -> frozenset[str]:
    """The names of the IANA time zone database; none that means something else on another machine."""
    names = resources.files("tzdata").joinpath("zones").read_text("utf-8").split()
    return frozenset(names) - {"Factory"}
