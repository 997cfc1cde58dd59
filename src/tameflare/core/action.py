"""An action: what a request does to the outside world, by name."""

from __future__ import annotations

from enum import StrEnum
from typing import Any

import msgspec


class Risk(StrEnum):
    LOW = "low"
    MEDIUM = "medium"
    HIGH = "high"


class Effect(StrEnum):
    """What an action does: `read` changes nothing; `money` moves it; `public` shows something to the world."""

    READ = "read"
    WRITE = "write"
    DESTRUCTIVE = "destructive"
    MONEY = "money"
    PUBLIC = "public"


class Action(msgspec.Struct, frozen=True):
    """One deed: `type` is `provider.resource.verb`, `resource` what it is done to, `parameters` how."""

    type: str
    resource: dict[str, Any] = {}
    parameters: dict[str, Any] = {}
    risk: Risk = Risk.MEDIUM
    effect: Effect = Effect.WRITE

    @property
    def is_unknown(self) -> bool:
        """Whether a known vendor was asked for a route that no table names."""
        return ".unknown." in self.type
