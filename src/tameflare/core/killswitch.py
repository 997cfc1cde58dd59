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

    @property
    def label(self) -> str:
        """How decisions name it in what they matched."""
        return f"kill_switch:{self.scope}"


class LocalSwitch(KillSwitch, frozen=True, kw_only=True):
    """One that was thrown at a proxy, by somebody on its machine, and is cleared only there.

    `since` in Unix seconds; `by` is the user of the machine.
    """

    since: int
    by: str

    @property
    def label(self) -> str:
        return f"local_kill_switch:{self.scope}"


Scope = tuple[ScopeKind, str]


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


def fitting(word: str, known: Mapping[str, Collection[Scope]]) -> list[Scope]:
    """What a word may stand for: exactly one thing where it is clear. Raises InvalidValue for what is no scope.

    `known` maps a name to what bears it. A word is `all`, a scope in full, or a bare name.
    """
    name, wanted = word, None
    if word == ScopeKind.ALL or ":" in word:
        wanted, name = parse_scope(word)
    if wanted is ScopeKind.ALL:
        return [(ScopeKind.ALL, "")]
    return sorted({scope for scope in known.get(name, ()) if wanted in (None, scope[0])})
