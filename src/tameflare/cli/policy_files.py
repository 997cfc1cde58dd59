"""Files of policies: found, read and parsed."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Final

from tameflare.core.errors import InvalidValue
from tameflare.core.policy import limits
from tameflare.core.policy.diagnostics import Diagnostic
from tameflare.core.policy.parse import Parsed, parse_file

STDIN: Final = "-"
SUFFIXES: Final = (".yaml", ".yml")


def found(places: Iterable[str], suffixes: tuple[str, ...] = SUFFIXES) -> list[str]:
    """The files that are meant: a folder stands for all in it that end so. Raises InvalidValue where there is none."""
    files: list[str] = []
    for place in places:
        path = Path(place)
        if place != STDIN and path.is_dir():
            below = sorted(str(file) for file in path.rglob("*") if file.suffix in suffixes and file.is_file())
            if not below:
                raise InvalidValue(f"no file in `{place}` ends in {' or '.join(suffixes)}", "name the files")
            files += below
        else:
            files.append(place)
    return list(dict.fromkeys(files))


def text_of(place: str) -> str:
    """The text of a file, or of standard input. Raises InvalidValue where it cannot be read, or is no text."""
    try:
        data = sys.stdin.buffer.read(limits.FILE + 1) if place == STDIN else _bytes(Path(place))
    except OSError as fault:
        raise InvalidValue(
            f"`{place}` cannot be read: {fault.strerror}", "check its name and who may read it"
        ) from None
    try:
        return data.decode("utf-8")
    except UnicodeDecodeError as fault:
        line = data.count(b"\n", 0, fault.start) + 1
        raise InvalidValue(f"`{place}` is no UTF-8, from line {line} on", "save it as UTF-8") from None


def _bytes(path: Path) -> bytes:
    with path.open("rb") as file:
        return file.read(limits.FILE + 1)


def read(places: Iterable[str]) -> Iterator[tuple[str, Parsed]]:
    """Every policy of the files, with the file that it stands in; a file without one is a fault of its own."""
    for place in places:
        policies = parse_file(text_of(place))
        if not policies:
            fault = Diagnostic(1, 1, "no policy", "write at least `name` and `rules`")
            policies = [Parsed(None, None, (fault,))]
        for parsed in policies:
            yield place, parsed


def checked(places: Iterable[str]) -> list[tuple[str, Parsed]]:
    """The same, where two policies of one name are a fault of the second."""
    seen: dict[str, str] = {}
    result = []
    for place, parsed in read(places):
        name = parsed.policy.name if parsed.policy else ""
        if name in seen:
            parsed = _again(parsed, name, seen[name])  # noqa: PLW2901 - the same policy, with one fault more
        elif name:
            seen[name] = f"{place}:{parsed.first_line}"
        result.append((place, parsed))
    return result


def _again(parsed: Parsed, name: str, first: str) -> Parsed:
    fault = Diagnostic(parsed.first_line, 1, f"a second policy is called `{name}`", f"the first is in {first}")
    return Parsed(None, parsed.scope, (fault,), parsed.source, parsed.first_line)
