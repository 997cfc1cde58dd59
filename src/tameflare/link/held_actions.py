"""Actions as people are shown them before they agree: what is secret masked, what is long cut, and both to be seen."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from typing import Any, Final

import msgspec

from tameflare.core.action import Action
from tameflare.core.redact import CUT, LONGEST_SHOWN, shown
from tameflare.link.approvals import HeldAction

LARGEST_SHOWN: Final = 64 << 10
"""Bytes of JSON that the actions of one request may take."""
MASKED: Final = "what looks like a key is masked"
_SHORTER: Final = (512, 64)
_LARGEST_RESOURCE: Final = 400


def shown_actions(actions: Iterable[Action], sensitive: Collection[str] | None) -> tuple[HeldAction, ...]:
    """As much of them as fits on a page, which shows many requests at once: the texts cut shorter, or the parameters
    left out. Values of parameters named in `sensitive`, and what looks like a key, are masked; None: nothing is."""
    actions = tuple(actions)
    for longest in (LONGEST_SHOWN, *_SHORTER):
        found = _fitting(actions, sensitive, longest)
        if len(found) == len(actions):
            return tuple(found)
    left_out = {CUT: "too much to be shown"}
    return tuple(
        HeldAction(each.type, each.risk, each.effect, _short(shown(each.resource, sensitive, 64)), left_out)
        for each in actions
    )


def masked(actions: Iterable[Action], shown: tuple[HeldAction, ...]) -> str:
    """Whether something of what people are shown had to be masked, in words; empty: nothing. An agent decides what
    looks like a key, so that people must know that something stands there."""
    return MASKED if shown_actions(actions, None) != shown else ""


def together(*said: str) -> str:
    """What is said of what people do not see, as one text; those that say nothing are left out."""
    return "; ".join(filter(None, said))


def is_cut(value: Any) -> bool:
    """Whether `core.redact.shown` has cut something of it."""
    if isinstance(value, str):
        return value.endswith(CUT) or value.startswith(CUT)
    if isinstance(value, dict):
        return any(map(is_cut, value)) or any(map(is_cut, value.values()))
    return isinstance(value, list | tuple) and any(map(is_cut, value))


def _fitting(actions: Iterable[Action], sensitive: Collection[str] | None, longest: int) -> list[HeldAction]:
    found, size = [], 0
    for action in actions:
        found.append(_shown(action, sensitive, longest))
        size += len(msgspec.json.encode(found[-1])) + 1
        if size >= LARGEST_SHOWN:
            return []
    return found


def _shown(action: Action, sensitive: Collection[str] | None, longest: int) -> HeldAction:
    resource = shown(action.resource, sensitive, longest)
    return HeldAction(action.type, action.risk, action.effect, resource, shown(action.parameters, sensitive, longest))


def _short(resource: dict[str, Any]) -> dict[str, Any]:
    return resource if len(msgspec.json.encode(resource)) <= _LARGEST_RESOURCE else {CUT: "too much to be shown"}
