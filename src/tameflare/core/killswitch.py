"""Kill switch: typed scopes, each on or off by itself."""

from __future__ import annotations

from enum import StrEnum
from typing import Final

import msgspec

from tameflare.core.errors import InvalidValue

MESSAGE: Final = "Kill switch is active"


class ScopeKind(StrEnum):
    ALL = "all"
    CONNECTOR = "connector"
    GATEWAY = "gateway"
    AGENT = "agent"


class KillSwitch(msgspec.Struct, frozen=True):
    """One scope that is on. `target` is a connector's or gateway's name or an agent's id; empty for `all`."""

    kind: ScopeKind
    target: str = ""
    reason: str = ""

    @property
    def scope(self) -> str:
        return self.kind.value if self.kind is ScopeKind.ALL else f"{self.kind.value}:{self.target}"


def parse_scope(text: str) -> tuple[ScopeKind, str]:
    """Kind and target of `all`, `connector:NAME`, `gateway:NAME` or `agent:ID`. Raises InvalidValue."""
    if text == ScopeKind.ALL:
        return ScopeKind.ALL, ""
    kind, _, target = text.partition(":")
    try:
        found = ScopeKind(kind)
    except ValueError:
        raise InvalidValue(f"unknown scope `{kind}`", "write `all`, `connector:`, `gateway:` or `agent:`") from None
    if found is ScopeKind.ALL or not target:
        raise InvalidValue(f"scope `{kind}:{target}` is incomplete", "write for example `connector:github`")
    return found, target
