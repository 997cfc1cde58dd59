"""How people write the scope of a kill switch."""

from __future__ import annotations

import re

import pytest

from tameflare.core.errors import InvalidValue
from tameflare.core.killswitch import KillSwitch, ScopeKind, parse_scope


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("all", (ScopeKind.ALL, "")),
        ("connector:main", (ScopeKind.CONNECTOR, "main")),
        ("gateway:main", (ScopeKind.GATEWAY, "main")),
        ("agent:somebody", (ScopeKind.AGENT, "somebody")),
        ("gateway:a:b", (ScopeKind.GATEWAY, "a:b")),
    ],
)
def test_a_scope_is_read(text: str, expected: tuple[ScopeKind, str]) -> None:
    assert parse_scope(text) == expected


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("github", "unknown scope `github`"),
        ("", "unknown scope ``"),
        ("team:security", "unknown scope `team`"),
        ("all:", "`all:` is incomplete"),
        ("all:github", "`all:github` is incomplete"),
        ("connector:", "`connector:` is incomplete"),
    ],
)
def test_a_scope_that_cannot_be_read_says_what_to_write(text: str, words: str) -> None:
    with pytest.raises(InvalidValue, match=re.escape(words)):
        parse_scope(text)


@pytest.mark.parametrize("switch", [KillSwitch(ScopeKind.ALL), KillSwitch(ScopeKind.AGENT, "agent-1")])
def test_a_printed_scope_reads_back(switch: KillSwitch) -> None:
    assert parse_scope(switch.scope) == (switch.kind, switch.target)
