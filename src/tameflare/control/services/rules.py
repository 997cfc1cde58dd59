"""Access rules as people write them: checked patterns, and presets."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
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


def prepare(
    wishes: Sequence[Wish], gateway_id: str, connector_ids: Mapping[str, str], context: Context, field: str = ""
) -> list[NewRule]:
    """Rows to store. `field` is put before the index of each fault's rule; empty for a single rule. Raises Invalid."""
    faults = [
        fault
        for index, wish in enumerate(wishes)
        for fault in _faults(wish, connector_ids, field and f"{field}.{index}.")
    ]
    if faults:
        raise Invalid(faults)
    return [
        NewRule(
            context.new_id("rul"),
            gateway_id,
            connector_ids[wish.connector],
            wish.pattern,
            wish.decision,
            wish.effect,
            context.now(),
            wish.approval,
        )
        for wish in wishes
    ]


def _faults(wish: Wish, connector_ids: Mapping[str, str], prefix: str) -> list[Fault]:
    faults = []
    if wish.connector not in connector_ids:
        known = ", ".join(f"`{name}`" for name in connector_ids) or "none yet"
        help_text = f"connectors of this gateway: {known}"
        faults.append(Fault(f"{prefix}connector", f"this gateway has no connector `{wish.connector}`", help_text))
    try:
        parse_pattern(wish.pattern)
    except InvalidValue as fault:
        faults.append(Fault(f"{prefix}pattern", fault.message, fault.help))
    if wish.approval is not None and wish.decision is not Verdict.REQUIRES_APPROVAL:
        message = f"a rule that says `{wish.decision.value}` asks nobody"
        faults.append(Fault(f"{prefix}approval", message, "leave it out, or decide `require_approval`"))
    if wish.approval is not None and wish.approval.groups:
        named = ", ".join(f"`{group}`" for group in wish.approval.groups)
        message = f"there are no groups of people yet, so nobody of {named} could ever agree"
        faults.append(
            Fault(f"{prefix}approval.groups", message, "leave it out; `role` and `quorum` say who must agree")
        )
    return faults
