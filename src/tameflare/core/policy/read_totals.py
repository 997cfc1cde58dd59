"""Running totals as they are written: `total(parameters.amount, window: 1d, by: agent)`."""

from __future__ import annotations

import re
from typing import Final

from tameflare.core.policy import limits
from tameflare.core.policy.diagnostics import meant, quoted
from tameflare.core.policy.field_names import PREFIX
from tameflare.core.policy.model import Total, TotalBy
from tameflare.core.policy.nodes import Faults, Node

_EXAMPLE: Final = "`total(parameters.amount, window: 1d, by: agent)`"
_TOTAL: Final = re.compile(r"total\s*\(")
_SUMMED: Final = re.compile(r"(?:parameters|resource)(?:\.[^\s.(),:]+)+")
_WINDOW: Final = re.compile(r"([1-9][0-9]{0,5})\s*([a-z]+)")
_SECONDS: Final = {"s": 1, "m": 60, "h": 3_600, "d": 86_400, "w": 604_800}
_BY: Final = {each.value: each for each in TotalBy}


def looks_like_total(written: str) -> bool:
    return _TOTAL.match(written) is not None


def total_of(node: Node, written: str, faults: Faults) -> Total | None:
    """The total that is written there, or None, which was then told."""
    begin = _TOTAL.match(written)
    if begin is None or not written.rstrip().endswith(")"):
        faults.add(node, f"{quoted(written)} is no total", f"write it as {_EXAMPLE}")
        return None
    before = len(faults)
    field, *others = (part.strip() for part in written.rstrip()[begin.end() : -1].split(","))
    field = field.removeprefix(PREFIX)
    if not _SUMMED.fullmatch(field):
        help_ = "a total adds up a parameter, as `parameters.amount`, or a part of the resource"
        faults.add(node, f"{quoted(field)} cannot be added up", help_)
    options = _options(node, others, faults)
    window = _window(node, options.get("window", ""), faults)
    by = options.get("by", TotalBy.AGENT.value)
    if by not in _BY:
        faults.add(node, f"no total by {quoted(by)}", meant(by, _BY))
    return None if len(faults) > before else Total(field, window, _BY[by])


def _options(node: Node, parts: list[str], faults: Faults) -> dict[str, str]:
    found: dict[str, str] = {}
    for part in parts:
        key, _, value = (word.strip() for word in part.partition(":"))
        if key not in ("window", "by"):
            faults.add(node, f"a total has no {quoted(key)}", meant(key, ("window", "by")))
        elif key in found:
            faults.add(node, f"`{key}` is there twice", "remove one")
        found[key] = value
    return found


def _window(node: Node, written: str, faults: Faults) -> int:
    """Seconds; 0 where a fault was told."""
    lowest, highest = limits.TOTAL_WINDOW
    found = _WINDOW.fullmatch(written)
    if found is None or found[2] not in _SECONDS:
        what = f"the window of a total is {quoted(written)}" if written else "a total has no window"
        faults.add(node, what, "write `window: 1d`; the units are s, m, h, d and w")
        return 0
    seconds = int(found[1]) * _SECONDS[found[2]]
    if not lowest <= seconds <= highest:
        faults.add(node, f"the window of a total is {quoted(written)}", "write one from `1m` to `366d`")
    return seconds
