"""Patterns that no known action matches."""

from __future__ import annotations

import pytest

from tameflare.cli.patterns import warning


@pytest.mark.parametrize(
    ("type_", "pattern"),
    [
        ("github", "github.pr.*"),
        ("github", "**"),
        ("github", "*"),
        ("github", "github.unknown.post"),
        ("generic", "http.get"),
        ("webhook", "webhook.post"),
        ("tunnel", "tunnel.*"),
        ("mcp", "mcp.tools.search_issues"),
        ("mcp", "mcp.rpc.vendor_*"),
        ("mcp", "mcp.session.close"),
        ("a type of a newer server", "x.y"),
    ],
)
def test_what_can_match_is_not_doubted(type_: str, pattern: str) -> None:
    assert warning(type_, pattern) == ""


@pytest.mark.parametrize(
    ("type_", "pattern", "advice"),
    [
        ("github", "github.pr.merg", "did you mean `github.pr.merge`?"),
        ("github", "GitHub.*", "docs/reference/actions.md"),
        ("generic", "webhook.get", "lists the names"),
        ("mcp", "mcp.tool.search", "did you mean `mcp.tools.list`?"),
        ("mcp", "mcp.stream.opne", "did you mean `mcp.stream.open`?"),
    ],
)
def test_what_matches_nothing_is_doubted(type_: str, pattern: str, advice: str) -> None:
    assert advice in warning(type_, pattern)
