"""How people write the scope of a kill switch."""

from __future__ import annotations

import pytest

from tameflare.core.errors import InvalidValue
from tameflare.core.killswitch import KillSwitch, ScopeKind, parse_scope

KNOWN = {
    ScopeKind.CONNECTOR: {"github", "stripe", "main"},
    ScopeKind.GATEWAY: {"main", "staging"},
    ScopeKind.AGENT: {"agent-1"},
}


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("all", (ScopeKind.ALL, "")),
        ("github", (ScopeKind.CONNECTOR, "github")),
        ("staging", (ScopeKind.GATEWAY, "staging")),
        ("agent-1", (ScopeKind.AGENT, "agent-1")),
        ("connector:main", (ScopeKind.CONNECTOR, "main")),
        ("gateway:main", (ScopeKind.GATEWAY, "main")),
        ("agent:somebody", (ScopeKind.AGENT, "somebody")),
        ("gateway:a:b", (ScopeKind.GATEWAY, "a:b")),
    ],
)
def test_a_scope_is_read(text: str, expected: tuple[ScopeKind, str]) -> None:
    assert parse_scope(text, KNOWN) == expected


@pytest.mark.parametrize(
    ("text", "code", "words"),
    [
        ("main", "kill_switch_ambiguous", ["`connector:main`", "`gateway:main`"]),
        ("nothing", "invalid_value", ["nothing is named `nothing`"]),
        ("", "invalid_value", ["nothing is named"]),
        ("team:security", "invalid_value", ["unknown scope `team`"]),
        ("all:", "invalid_value", ["incomplete"]),
        ("all:github", "invalid_value", ["incomplete"]),
        ("connector:", "invalid_value", ["incomplete"]),
    ],
)
def test_a_scope_that_cannot_be_read_says_what_to_write(text: str, code: str, words: list[str]) -> None:
    with pytest.raises(InvalidValue) as fault:
        parse_scope(text, KNOWN)
    assert fault.value.code == code
    assert all(word in str(fault.value) for word in words)


@pytest.mark.parametrize("switch", [KillSwitch(ScopeKind.ALL), KillSwitch(ScopeKind.AGENT, "agent-1")])
def test_a_printed_scope_reads_back(switch: KillSwitch) -> None:
    assert parse_scope(switch.scope, {}) == (switch.kind, switch.target)
