"""Policies that people can start from: YAML files beside this one, each with tests that show what it does."""

from __future__ import annotations

from pathlib import Path
from typing import Final

from tameflare.core.errors import InvalidValue
from tameflare.core.policy.diagnostics import meant, quoted

FOLDER: Final = Path(__file__).parent


def names() -> list[str]:
    return sorted(path.stem for path in FOLDER.glob("*.yaml"))


def source(name: str) -> str:
    """The text of a pack, for people to change. Raises InvalidValue for a name that none has."""
    return _text(name, ".yaml")


def tests(name: str) -> str:
    """The tests of a pack, in the form that `tf policy test` reads. Raises InvalidValue for a name that none has."""
    return _text(name, ".policytest")


def _text(name: str, suffix: str) -> str:
    if name not in names():
        raise InvalidValue(f"no pack {quoted(name)}", meant(name, names()))
    return (FOLDER / f"{name}{suffix}").read_text(encoding="utf-8")
