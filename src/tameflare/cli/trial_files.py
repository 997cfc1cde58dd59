"""Files of trials (`*.policytest`): policies, an action with its circumstances, and what must come of it.

Parts stand between lines of ten dashes and more. The first are policies, written there or named as `files: […]` or
`pack: NAME`. Then come pairs: an action, and the expected verdict. A file of two parts, of which the first are policies
with faults, expects exactly these faults.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from tameflare.core.errors import InvalidValue
from tameflare.core.policy import limits, packs
from tameflare.core.policy.form import Form
from tameflare.core.policy.nodes import Faults, Mapping, Node
from tameflare.core.policy.parse import Parsed, parse_file
from tameflare.core.policy.source import read

SUFFIX: Final = ".policytest"
_DASHES: Final = re.compile(r"^-{10,}[ \t]*$", re.MULTILINE)
_REFERENCE: Final = re.compile(r"^(?:files|pack)[ \t]*:", re.MULTILINE)

Reader = Callable[[str], str]


@dataclass(frozen=True, slots=True)
class Trial:
    """One action and what must come of it, as they are written; `line` is where the action begins."""

    line: int
    title: str
    action: str
    expected: str


@dataclass(frozen=True, slots=True)
class TrialFile:
    """`faults` are those that the policies must have, where that is what is tried."""

    policies: list[tuple[str, Parsed]]
    trials: tuple[Trial, ...]
    faults: str | None = None


def parse_trials(text: str, place: str, read_text: Reader) -> TrialFile:
    """Read a file of trials. `read_text` gives the text of a file beside it. Raises InvalidValue."""
    parts = _parts(text.replace("\r\n", "\n"))
    if len(parts) < 2:
        raise InvalidValue(f"`{place}` holds no trial", "write policies, dashes, an action, dashes, what is expected")
    policies = _policies(parts[0], place, read_text)
    if len(parts) == 2:
        return TrialFile(policies, (), _stripped(parts[1][1]))
    if len(parts) % 2 == 0:
        where = f"`{place}`, line {parts[-1][0]}"
        raise InvalidValue(
            f"{where}: an action without what is expected of it", "write dashes and the verdict after it"
        )
    pairs = zip(parts[1::2], parts[2::2], strict=True)
    trials = (Trial(line, _title(action), action, _stripped(expected)) for (line, action), (_, expected) in pairs)
    return TrialFile(policies, tuple(trials))


def _parts(text: str) -> list[tuple[int, str]]:
    """The texts between dashes, each with its first line."""
    ends = [(found.start(), found.end() + 1) for found in _DASHES.finditer(text)]
    begins = [0, *(after for _, after in ends)]
    found = zip(begins, [*(end for end, _ in ends), len(text)], strict=True)
    return [(text.count("\n", 0, begin) + 1, text[begin:end]) for begin, end in found]


def _stripped(expected: str) -> str:
    """Without comments and empty lines at the ends."""
    return "\n".join(line.rstrip() for line in expected.split("\n") if not line.startswith("#")).strip()


def _title(action: str) -> str:
    """The comment above an action, which says what is tried."""
    lines = [line.strip() for line in action.strip().split("\n")]
    comment = lines[0] if lines else ""
    return comment.lstrip("# ") if comment.startswith("#") else ""


# --- policies ---------------------------------------------------------------------------------------------------------


def _policies(part: tuple[int, str], place: str, read_text: Reader) -> list[tuple[str, Parsed]]:
    line, text = part
    if not _REFERENCE.search(text):
        return [(place, parsed) for parsed in parse_file(text)]
    faults = Faults()
    node = read(text, line, faults)
    names = _references(node, faults) if node is not None else []
    if len(faults):
        fault = faults.told()[0]
        raise InvalidValue(f"`{place}`, line {fault.line}: {fault.message}", fault.help)
    return [(name, parsed) for name, source in _sources(names, place, read_text) for parsed in parse_file(source)]


def _references(node: Node, faults: Faults) -> list[tuple[str, str]]:
    """Pairs of kind and name."""
    if not isinstance(node, Mapping):
        faults.add(node, "no policies are named", "write `files: [payments.yaml]`")
        return []
    form = Form(node, "the first part", ("files", "pack"), faults)
    found = [(key, each.text) for key in ("files", "pack") for each in form.texts(key, limits.VALUES, limits.FIELD)]
    if not found and not len(faults):
        faults.add(node, "no policies are named", "write `files: [payments.yaml]`")
    return found


def _sources(names: Sequence[tuple[str, str]], place: str, read_text: Reader) -> list[tuple[str, str]]:
    folder = Path(place).parent
    return [
        (f"pack {name}", packs.source(name)) if kind == "pack" else (name, read_text(str(folder / name)))
        for kind, name in names
    ]
