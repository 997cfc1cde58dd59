"""Which modules are compiled into wheels for one interpreter, and that the compiler keeps what they mean."""

from __future__ import annotations

import ast
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
HOOK = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["hatch"]["build"]["targets"]["wheel"]["hooks"][
    "custom"
]


@pytest.mark.parametrize("module", HOOK["compiled"])
def test_a_compiled_module_uses_nothing_that_the_compiler_drops(module: str) -> None:
    path = ROOT / "src" / Path(*module.split(".")).with_suffix(".py")
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.ClassDef):
            assert not node.keywords, f"{module}.{node.name}: keywords of a class are lost"
            assert "Struct" not in ast.unparse(node).partition(":")[0], f"{module}.{node.name}: is a msgspec.Struct"


def test_nothing_asks_for_the_cause_of_a_fault_of_a_compiled_module() -> None:
    """`raise … from` sets no cause there: what somebody needs to know is an attribute of the fault."""
    for room in ("wire", "proxy", "connectors", "core"):
        for path in sorted((ROOT / "src" / "tameflare" / room).rglob("*.py")):
            assert "__cause__" not in path.read_text(), path


def test_the_compiled_modules_are_listed_in_order_and_once() -> None:
    assert HOOK["compiled"] == sorted(set(HOOK["compiled"]))
