"""The text of a policy, read: a policy, or every fault in it with its place. Never raises, whatever the text."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final

import msgspec

from tameflare.core.policy import limits
from tameflare.core.policy.diagnostics import Diagnostic
from tameflare.core.policy.known import ANYTHING, Known
from tameflare.core.policy.model import Policy, Scope
from tameflare.core.policy.nodes import Faults, Place
from tameflare.core.policy.schema import Schema
from tameflare.core.policy.source import read

__all__ = ["ANYTHING", "Known", "Parsed", "parse_file", "parse_policy"]
_SEPARATOR: Final = re.compile(r"^---(?:[ \t]*(?:#.*)?)$", re.MULTILINE)


class Parsed(msgspec.Struct, frozen=True):
    """`policy` is None where there is a fault; `scope` is given whenever it alone is readable. `source` is the text of
    this one policy, which in a file begins at `first_line`; faults have the lines of the file."""

    policy: Policy | None
    scope: Scope | None
    diagnostics: tuple[Diagnostic, ...] = ()
    source: str = ""
    first_line: int = 1


def parse_policy(source: str, known: Known = ANYTHING) -> Parsed:
    """Read one policy."""
    return _parse(source, 1, known)


def parse_file(source: str, known: Known = ANYTHING) -> list[Parsed]:
    """Read a file of policies between lines of `---`, each by itself; empty where there is none."""
    if len(source) > limits.FILE:
        message, help_ = f"a file of {len(source):,} characters", f"a file has at most {limits.FILE:,}; split it"
        return [Parsed(None, None, (Diagnostic(1, 1, message, help_),), "")]
    return [_parse(text, line, known) for text, line in _documents(source.replace("\r\n", "\n"))]


def _documents(source: str) -> Iterator[tuple[str, int]]:
    """The texts between separators with their first lines, without those that hold nothing."""
    begin, first = 0, 1
    ends = [(found.start(), found.end() + 1) for found in _SEPARATOR.finditer(source)]
    for end, after in [*ends, (len(source), len(source))]:
        text = source[begin:end]
        if any(line.strip() and not line.lstrip().startswith("#") for line in text.split("\n")):
            yield text, first
        first += source.count("\n", begin, after)
        begin = after


def _parse(source: str, first_line: int, known: Known) -> Parsed:
    faults = Faults()
    root = read(source, first_line, faults)
    policy: Policy | None = None
    scope: Scope | None = None
    if root is not None:
        policy, scope = Schema(faults, known).policy(root)
    elif not len(faults):
        faults.add(Place(first_line, 1), "no policy", "write at least `name` and `rules`")
    return Parsed(None if len(faults) else policy, scope, faults.told(), source, first_line)
