"""Paths in the one form that is judged and sent (RFC 3986 §6.2.2), or refused.

Refused is whatever the next hop might resolve to another path than the one that was judged: dot segments in any
spelling, empty segments, backslashes, control characters, broken escapes. `%2F` and `;` stay, because templates with an
encoded slash exist; the routes decide about them.
"""

from __future__ import annotations

import re
from typing import Final

from tameflare.wire.faults import TargetFault

_PLAIN: Final = re.compile(r"(?:/[A-Za-z0-9_~!$&'()*+,=:@-][A-Za-z0-9._~!$&'()*+,=:@-]*)+/?|/")
_REFUSED: Final = re.compile(
    r"[^!-~]|[\\#?]|//"
    r"|%(?![0-9A-Fa-f]{2})"  # a broken escape
    r"|%[01][0-9A-Fa-f]|%7[Ff]|%5[Cc]"  # an escaped control character or backslash
    r"|%[Cc][01]%[89ABab]"  # an overlong UTF-8 form of an ASCII character
)
_ESCAPE: Final = re.compile(r"%([0-9A-Fa-f]{2})|([\"<>^`{|}])")
_UNRESERVED: Final = frozenset("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~")
_SEPARATOR: Final = re.compile(r"/|%2F", re.IGNORECASE)
_NESTED: Final = re.compile(r"%(?:25)+")


def normalise_path(path: str) -> str:
    """The path with unreserved characters decoded and escapes in upper case; TargetFault `path_ambiguous`."""
    if _PLAIN.fullmatch(path):
        return path
    if not path.startswith("/") or _REFUSED.search(path):
        raise _ambiguous()
    clean = _ESCAPE.sub(_escape, path)
    if any(_is_dots(piece) for piece in _SEPARATOR.split(_flattened(clean))):
        raise _ambiguous()
    return clean


def _escape(match: re.Match[str]) -> str:
    digits, raw = match.groups()
    if raw is not None:
        return f"%{ord(raw):02X}"
    character = chr(int(digits, 16))
    return character if character in _UNRESERVED else f"%{digits.upper()}"


def _flattened(path: str) -> str:
    """As a server would see it that decodes escapes several times."""
    return _ESCAPE.sub(_escape, _NESTED.sub("%", path))


def _is_dots(piece: str) -> bool:
    """`.` and `..`, also before path parameters, which some servers cut off first (`/..;x/`)."""
    return piece.partition(";")[0] in (".", "..")


def _ambiguous() -> TargetFault:
    return TargetFault("path_ambiguous", "the path can be understood in more than one way")
