"""A glob as PostgreSQL's regular expression, with the meaning that GLOB has on SQLite: `*`, `?`, `[a-z]`, `[^a-z]`."""

from __future__ import annotations

import re
from typing import Final

_SET: Final = re.compile(r"\[(\^?)(\]?[^\]]*)\]")
_RANGE: Final = re.compile(r"(.)-(.)|(.)", re.DOTALL)
_NOTHING: Final = "(?!)"


def expression(glob: str) -> str:
    """An expression that fits the whole of what the glob fits."""
    parts, place = [], 0
    while place < len(glob):
        found = _SET.match(glob, place)
        parts.append(_set(found[1], found[2]) if found else _plain(glob[place]))
        place = found.end() if found else place + 1
    return f"^(?:{''.join(parts)})$"


def _plain(char: str) -> str:
    if char == "[":  # never closed: fits nothing
        return _NOTHING
    return {"*": ".*", "?": "."}.get(char) or _escaped(char)


def _set(negated: str, inside: str) -> str:
    members = []
    for first, last, single in _RANGE.findall(inside):
        if single:
            members.append(_escaped(single))
        elif first <= last:
            members.append(f"{_escaped(first)}-{_escaped(last)}")
    if members:
        return f"[{negated}{''.join(members)}]"
    return "." if negated else _NOTHING


def _escaped(char: str) -> str:
    """In PostgreSQL a backslash before a letter or digit means something else, before anything else that itself."""
    return char if char.isalnum() or char.isspace() or not char.isascii() or char == "_" else f"\\{char}"
