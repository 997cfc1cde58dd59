"""Access rules as people write them: checked patterns, and presets."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from enum import StrEnum
from typing import Final

import msgspec

from tameflare.control.services.context import Context
from tameflare.control.services.faults import Fault, Invalid
from tameflare.control.store.rules import NewRule
from tameflare.core.access import EVERYTHING, parse_pattern
from tameflare.core.action import Effect
from tameflare.core.approval import Requirement
from tameflare.core.decision import Verdict
from tameflare.core.errors import InvalidValue


class Preset(StrEnum):
    ALLOW_ALL = "allow_all"
    READ_ONLY = "read_only"
    REQUIRE_APPROVAL = "require_approval"


class Known(msgspec.Struct, frozen=True):
    """What a rule of a gateway may name: its connectors with their ids, and groups of people."""

    connectors: Mapping[str, str]
    groups: Collection[str]


class Wish(msgspec.Struct, frozen=True):
    """A rule as it is asked for; `connector` is a name."""

    connector: str
    pattern: str
    decision: Verdict
    effect: Effect | None = None
    approval: Requirement | None = None


# Routes that no table names match `**` alone, so `*` leaves them out of `read_only`.
_PRESETS: Final = {
    Preset.ALLOW_ALL: (EVERYTHING, Verdict.ALLOW, None),
    Preset.READ_ONLY: ("*", Verdict.ALLOW, Effect.READ),
    Preset.REQUIRE_APPROVAL: (EVERYTHING, Verdict.REQUIRES_APPROVAL, None),
}


def preset(connector: str, name: Preset) -> Wish:
    """The one rule that a preset stands for."""
    return Wish(connector, *_PRESETS[name])


def prepare(wishes: Sequence[Wish], gateway_id: str, known: Known, context: Context, field: str = "") -> list[NewRule]:
    """Rows to store. `field` is put before the index of each fault's rule; empty for a single rule. Raises Invalid."""
    faults = [
        fault for index, wish in enumerate(wishes) for fault in _faults(wish, known, field and f"{field}.{index}.")
    ]
    if faults:
        raise Invalid(faults)
    return [
        NewRule(
            context.new_id("rul"),
            gateway_id,
            known.connectors[wish.connector],
            wish.pattern,
            wish.decision,
            wish.effect,
            context.now(),
            wish.approval,
        )
        for wish in wishes
    ]


def _faults(wish: Wish, known: Known, prefix: str) -> list[Fault]:
    faults = []
    if wish.connector not in known.connectors:
        help_text = f"connectors of this gateway: {_listed(known.connectors)}"
        faults.append(Fault(f"{prefix}connector", f"this gateway has no connector `{wish.connector}`", help_text))
    try:
        parse_pattern(wish.pattern)
    except InvalidValue as fault:
        faults.append(Fault(f"{prefix}pattern", fault.message, fault.help))
    if wish.approval is not None and wish.decision is not Verdict.REQUIRES_APPROVAL:
        message = f"a rule that says `{wish.decision.value}` asks nobody"
        faults.append(Fault(f"{prefix}approval", message, "leave it out, or decide `require_approval`"))
    for index, group in enumerate(wish.approval.groups if wish.approval is not None else ()):
        if group not in known.groups:
            message = f"there is no group `{group}`, so nobody of it could ever agree"
            help_text = f"groups: {_listed(sorted(known.groups))}; `tf groups add` makes one"
            faults.append(Fault(f"{prefix}approval.groups.{index}", message, help_text))
    return faults


def _listed(names: Iterable[str]) -> str:
    return ", ".join(f"`{name}`" for name in names) or "none yet"
