"""Whatever `tf doctor` may find stands in the page on troubleshooting, by its own words."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
CHECKS = sorted((ROOT / "src/tameflare/cli/checks").glob("*.py"))
PAGE = (ROOT / "docs/troubleshooting.md").read_text(encoding="utf-8")
HEADINGS = [
    quoted for line in re.findall(r"^### (.*)$", PAGE, re.MULTILINE) for quoted in re.findall(r"`([^`]+)`", line)
]


def words(value: ast.expr) -> str:
    """A text with `…` in the place of what is filled in."""
    if isinstance(value, ast.JoinedStr):
        return "".join(words(piece) for piece in value.values)
    return str(value.value) if isinstance(value, ast.Constant) else "…"


def findings() -> list[str]:
    """The first argument of each `warning(…)` and `red(…)` that is a text."""
    calls = (node for path in CHECKS for node in ast.walk(ast.parse(path.read_text())) if isinstance(node, ast.Call))
    named = (
        call for call in calls if isinstance(call.func, ast.Name) and call.func.id in {"warning", "red"} and call.args
    )
    return sorted({words(call.args[0]) for call in named if isinstance(call.args[0], ast.Constant | ast.JoinedStr)})


def fits(heading: str, finding: str) -> bool:
    pieces = [re.escape(piece.strip()) for piece in heading.split("…") if piece.strip()]
    return bool(re.search(".*".join(pieces), finding))


def test_there_are_twenty_and_more() -> None:
    assert len(findings()) > 30


@pytest.mark.parametrize("finding", findings())
def test_a_finding_has_its_place_in_the_page(finding: str) -> None:
    assert any(fits(heading, finding) for heading in HEADINGS), finding
