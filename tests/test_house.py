"""How the house is kept: small modules, nothing hollow, nothing that belongs to one machine, no back doors."""

from __future__ import annotations

import ast
import json
import re
import subprocess
import sys
import tomllib
from pathlib import Path
from types import UnionType

import pytest

ROOT = Path(__file__).resolve().parents[1]
SOURCE = sorted((ROOT / "src").rglob("*.py"))
PYTHON = sorted(
    path
    for path in [*SOURCE, *(file for room in ("tests", "tools", "bench") for file in (ROOT / room).rglob("*.py"))]
    if "node_modules" not in path.parts
)
LOCKS = sorted((ROOT / "requirements").glob("*.txt"))


def name(path: Path) -> str:
    return str(path.relative_to(ROOT))


def tree(path: Path) -> ast.Module:
    return ast.parse(path.read_text(encoding="utf-8"))


@pytest.mark.parametrize("path", SOURCE, ids=name)
def test_a_module_is_small_and_says_what_it_is(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    assert text.count("\n") <= 400
    assert ast.get_docstring(tree(path)), "a module begins with a docstring"


@pytest.mark.parametrize("path", PYTHON, ids=name)
def test_annotations_are_not_evaluated(path: Path) -> None:
    module = tree(path)
    if any(isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.AnnAssign) for node in ast.walk(module)):
        assert any(isinstance(node, ast.ImportFrom) and node.module == "__future__" for node in module.body)


def test_functions_stay_readable() -> None:
    long = [
        f"{name(path)}:{node.lineno} {node.name}"
        for path in SOURCE
        if "migrations" not in path.parts  # a step of a migration is a list of tables
        for node in ast.walk(tree(path))
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and node.end_lineno - node.lineno > 60
    ]
    assert not long


@pytest.mark.parametrize("path", PYTHON, ids=name)
def test_no_fault_is_swallowed_unseen(path: Path) -> None:
    """An `except` does something, a broad one more than to go on; where nothing is to be done, `suppress` says so."""
    for node in ast.walk(tree(path)):
        if isinstance(node, ast.ExceptHandler):
            idle = ast.Pass | ast.Continue if _is_broad(node.type) else ast.Pass
            assert not all(_does_nothing(each, idle) for each in node.body), f"line {node.lineno}"


def _does_nothing(statement: ast.stmt, idle: type[ast.stmt] | UnionType) -> bool:
    return isinstance(statement, idle) or (
        isinstance(statement, ast.Expr) and isinstance(statement.value, ast.Constant)
    )


def _is_broad(caught: ast.expr | None) -> bool:
    return caught is None or (isinstance(caught, ast.Name) and caught.id in {"Exception", "BaseException"})


HOLLOW = re.compile("|".join(["NotImplemented" + "Error", "TO" + "DO", "FIX" + "ME", r"mark\.(skip|xfail)\b"]))


@pytest.mark.parametrize("path", PYTHON, ids=name)
def test_nothing_is_left_for_later(path: Path) -> None:
    assert not HOLLOW.findall(path.read_text(encoding="utf-8"))


@pytest.mark.parametrize("path", [path for path in PYTHON if path.name.startswith("test_")], ids=name)
def test_tests_wait_for_conditions_and_not_for_time(path: Path) -> None:
    """No bare sleep: in a loop that checks for something it is how the loop waits."""
    module = tree(path)
    inside = {id(call) for loop in ast.walk(module) if isinstance(loop, ast.While) for call in ast.walk(loop)}
    for node in ast.walk(module):
        if isinstance(node, ast.Call) and ast.unparse(node.func) in {"time.sleep", "asyncio.sleep", "sleep"}:
            still = node.args and ast.unparse(node.args[0]) == "0"
            assert still or id(node) in inside, f"line {node.lineno}"


def tracked() -> list[Path]:
    try:
        listed = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, text=True, check=True)
    except (OSError, subprocess.CalledProcessError):
        return [path for path in PYTHON if path.exists()]
    return [ROOT / entry for entry in listed.stdout.split("\0") if entry and (ROOT / entry).is_file()]


PERSONAL = re.compile(
    rb"/(?:home|Users|root)/[A-Za-z.]|/tmp/[a-z]/|\bpki"
    rb"ll\b|BEGIN (?:EC |RSA )?PRIVATE KEY-----\n[A-Za-z0-9+/]{20}"
)


def test_no_file_names_a_machine_or_carries_a_key() -> None:
    found = [name(path) for path in tracked() if PERSONAL.search(path.read_bytes())]
    assert not found


@pytest.mark.parametrize("lock", LOCKS, ids=name)
def test_a_lock_file_has_hashes_and_no_address(lock: Path) -> None:
    text = lock.read_text()
    assert not re.search(r"://|index-url|find-links|trusted-host", text)
    for entry in re.findall(r"^[a-z0-9].*?(?=^[a-z0-9#]|\Z)", text, re.MULTILINE | re.DOTALL):
        assert re.match(r"[a-z0-9._-]+==\S+", entry), entry[:60]
        assert "--hash=sha256:" in entry, entry[:60]


def test_the_lock_file_for_node_has_hashes_and_no_address() -> None:
    text = (ROOT / "tests" / "package-lock.json").read_text()
    assert "://" not in text
    packages = {name: entry for name, entry in json.loads(text)["packages"].items() if name}
    assert packages
    assert not [name for name, entry in packages.items() if not entry.get("integrity", "").startswith("sha512-")]


def pins(lock: str) -> dict[str, str]:
    return dict(re.findall(r"^([a-z0-9._-]+)==([^\s\\;]+)", (ROOT / "requirements" / lock).read_text(), re.MULTILINE))


def test_each_lock_file_holds_the_one_before_it() -> None:
    runtime, demo, dev = pins("runtime.txt"), pins("demo.txt"), pins("dev.txt")
    assert runtime.items() <= demo.items() <= dev.items()


def test_what_the_project_declares_is_locked() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    declared = {"runtime.txt": project["dependencies"]}
    for extra, lock in (("demo", "demo.txt"), ("dev", "dev.txt")):
        declared[lock] = project["optional-dependencies"][extra]
    for lock, requirements in declared.items():
        names = {re.split(r"[<>=\[ ]", each)[0].lower() for each in requirements}
        assert names <= set(pins(lock)), lock


IMPORTED_AS = {"google-re2": "re2", "pyyaml": "yaml", "prometheus-client": "prometheus_client", "pygithub": "github"}


def imports(path: Path) -> set[str]:
    found: set[str] = set()
    for node in ast.walk(tree(path)):
        if isinstance(node, ast.Import):
            found |= {alias.name.partition(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            found.add(node.module.partition(".")[0])
    return found - sys.stdlib_module_names - {"tameflare"}


def modules_of(requirements: list[str]) -> set[str]:
    names = {re.split(r"[<>=\[ ]", each)[0].lower() for each in requirements}
    return {IMPORTED_AS.get(each, each) for each in names}


def test_the_product_imports_what_it_declares_and_nothing_else() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    runtime, demo = modules_of(project["dependencies"]), modules_of(project["optional-dependencies"]["demo"])
    optional = modules_of(project["optional-dependencies"]["postgresql"])
    imported = set().union(*(imports(path) for path in SOURCE if "demo" not in path.parts))
    assert imported - runtime == optional
    assert runtime - imported == {"tzdata"}, "data that the standard library looks for"
    shown = set().union(*(imports(path) for path in SOURCE if "demo" in path.parts))
    assert shown - runtime - demo == set()
