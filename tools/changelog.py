"""Puts the fragments of changelog.d/ into CHANGELOG.md under a new version.

`python -m tools.changelog 0.2.0 2026-12-01` does it; without arguments it prints what the next version would say.
A fragment is a file `<kind>-<words>.md` with one or a few sentences; the kinds are those of `KINDS`.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Final

ROOT: Final = Path(__file__).resolve().parent.parent
KINDS: Final = {
    "added": "Added",
    "changed": "Changed",
    "fixed": "Fixed",
    "security": "Security",
    "removed": "Removed",
}
MARK: Final = "<!-- new versions go here -->"


class FragmentFault(Exception):
    """A file in changelog.d/ that cannot be used, in a sentence."""


def fragments(folder: Path) -> dict[str, list[str]]:
    """The texts of all fragments by kind. Raises FragmentFault."""
    found: dict[str, list[str]] = {kind: [] for kind in KINDS}
    for path in sorted(folder.glob("*.md")):
        if path.name == "README.md":
            continue
        kind, dash, _ = path.stem.partition("-")
        if kind not in KINDS or not dash:
            raise FragmentFault(f"`{path.name}` must be named `<kind>-<words>.md`, kind one of {', '.join(KINDS)}")
        text = " ".join(path.read_text().split())
        if not text:
            raise FragmentFault(f"`{path.name}` is empty")
        found[kind].append(text)
    return found


def section(version: str, date: str, found: dict[str, list[str]]) -> str:
    """The part of the change log that belongs to one version."""
    return "\n".join(_lines(version, date, found))


def _lines(version: str, date: str, found: dict[str, list[str]]) -> Iterator[str]:
    yield f"## {version} ({date})" if date else f"## {version}"
    for kind, title in KINDS.items():
        if found[kind]:
            yield ""
            yield f"### {title}"
            yield from (f"- {text}" for text in found[kind])
    yield ""


def release(root: Path, version: str, date: str) -> None:
    """Write the version into CHANGELOG.md and remove its fragments. Raises FragmentFault where there is nothing."""
    folder, log = root / "changelog.d", root / "CHANGELOG.md"
    found = fragments(folder)
    if not any(found.values()):
        raise FragmentFault("there is no fragment in changelog.d/")
    before, mark, after = log.read_text().partition(MARK)
    if not mark:
        raise FragmentFault(f"CHANGELOG.md has lost its line `{MARK}`")
    log.write_text(f"{before}{MARK}\n\n{section(version, date, found)}{after}")
    for path in folder.glob("*.md"):
        if path.name != "README.md":
            path.unlink()


def main(arguments: list[str]) -> int:
    try:
        if len(arguments) == 2:
            release(ROOT, *arguments)
        elif arguments:
            print("usage: python -m tools.changelog [VERSION DATE]", file=sys.stderr)
            return 2
        else:
            print(section("Unreleased", "", fragments(ROOT / "changelog.d")))
    except FragmentFault as fault:
        print(fault, file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
