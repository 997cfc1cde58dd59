"""Kill switch: typed scopes, each on or off by itself."""

from __future__ import annotations

from collections.abc import Collection, Mapping
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


def parse_scope(text: str, known: Mapping[ScopeKind, Collection[str]]) -> tuple[ScopeKind, str]:
    """Resolve `all`, `connector:NAME`, `gateway:NAME`, `agent:ID` or a bare name that exactly one object has.

    Raises InvalidValue, with code `kill_switch_ambiguous` and the candidates where a bare word fits several objects.
    """
    if text == ScopeKind.ALL:
        return ScopeKind.ALL, ""
    kind, colon, target = text.partition(":")
    if colon:
        return _typed(kind, target)
    candidates = [found for found in ScopeKind if text in known.get(found, ())]
    if len(candidates) == 1:
        return candidates[0], text
    if not candidates:
        raise InvalidValue(f"nothing is named `{text}`", "write `all`, `connector:NAME`, `gateway:NAME` or `agent:ID`")
    names = ", ".join(f"`{found.value}:{text}`" for found in candidates)
    raise InvalidValue(f"`{text}` is ambiguous", f"write one of {names}", code="kill_switch_ambiguous")


def _typed(kind: str, target: str) -> tuple[ScopeKind, str]:
    try:
        found = ScopeKind(kind)
    except ValueError:
        raise InvalidValue(f"unknown scope `{kind}`", "write `all`, `connector:`, `gateway:` or `agent:`") from None
    if found is ScopeKind.ALL or not target:
        raise InvalidValue(f"scope `{kind}:{target}` is incomplete", "write for example `connector:github`")
    return found, target
