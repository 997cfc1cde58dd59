"""What the policies say of one action."""

from __future__ import annotations

from typing import Final

import msgspec

from tameflare.core.approval import Requirement
from tameflare.core.decision import Reason, Verdict


class PolicyVerdict(msgspec.Struct, frozen=True):
    """`verdict` None: no rule matched, and the access rule stands. `matched` are `policy:NAME@VERSION:RULE`, those that
    determined the verdict first. `requirements` are the terms of every rule that asks for people."""

    verdict: Verdict | None = None
    reason: Reason = Reason.NO_RULE
    message: str = ""
    matched: tuple[str, ...] = ()
    requirements: tuple[Requirement, ...] = ()
    risk_score: int | None = None


SILENT: Final = PolicyVerdict()
