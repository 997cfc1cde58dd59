"""The page on resistance names tests: they exist, and none of the room that it speaks of is left out."""

from __future__ import annotations

import ast
import re
from functools import cache
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
PAGE = (ROOT / "docs/resistance.md").read_text(encoding="utf-8")
NAMED = re.compile(r"`(tests/[\w/]+\.py)(?:::(\w+))?`")


@cache
def functions_in(path: Path) -> set[str]:
    found = ast.walk(ast.parse(path.read_text(encoding="utf-8")))
    functions = (node for node in found if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef))
    return {function.name for function in functions if function.name.startswith("test_")}


def test_every_named_test_exists() -> None:
    for file, name in NAMED.findall(PAGE):
        path = ROOT / file
        assert path.is_file(), file
        assert functions_in(path), f"{file} has no tests"
        assert not name or name in functions_in(path), f"{file} has no `{name}`"


def test_every_case_names_a_test() -> None:
    rows = [line for line in PAGE.splitlines() if line.startswith("| ") and not line.startswith("| case ")]
    assert len(rows) > 50
    assert [row for row in rows if not NAMED.search(row.rsplit("|", 2)[1])] == []


def test_no_test_of_the_room_is_left_out() -> None:
    named = {file for file, _ in NAMED.findall(PAGE)}
    there = {str(path.relative_to(ROOT)) for path in (ROOT / "tests/resistance").rglob("test_*.py")}
    assert there <= named
