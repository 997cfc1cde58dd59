"""JSON that is judged must mean one thing only.

RFC 8259 leaves repeated names, byte order marks, huge numbers and lone surrogates to the reader; a judge that reads
them one way before a server that reads them another way would be a hole, so they are refused. Integers are exact.
"""

from __future__ import annotations

import json
import re
from typing import Any, Final, NoReturn

from tameflare.connectors.faults import Unreadable

MAX_DEPTH: Final = 64
_BOM: Final = "\ufeff"
_STRING: Final = re.compile(r'"(?:[^"\\]++|\\.)*+"?', re.DOTALL)
"""Also one that does not end; nothing is tried twice, or many `\\\\"` would take time by the square of their number."""
_ESCAPED_SURROGATE: Final = re.compile(r"\\u[dD][89a-fA-F]")


def parse_json(data: bytes) -> Any:
    """Decode one JSON text. Raises Unreadable with what is wrong."""
    text = _decode(data)
    _check_depth(text)
    try:
        value = json.loads(text, object_pairs_hook=_object, parse_constant=_constant, parse_float=_float)
    except json.JSONDecodeError as fault:
        raise Unreadable(f"the body is not JSON: {fault.msg.lower()} at character {fault.pos}") from None
    except (ValueError, RecursionError):
        raise Unreadable("the body holds a number that is too long") from None
    if _ESCAPED_SURROGATE.search(text):
        _check_surrogates(value)
    return value


def _decode(data: bytes) -> str:
    try:
        text = data.decode("utf-8")
    except UnicodeDecodeError:
        raise Unreadable("the body is not UTF-8") from None
    if text.startswith(_BOM):
        raise Unreadable("the body begins with a byte order mark")
    return text


def _check_depth(text: str) -> None:
    if text.count("[") + text.count("{") <= MAX_DEPTH:
        return
    depth = 0
    for character in _STRING.sub("", text):
        if character in "[{":
            depth += 1
            if depth > MAX_DEPTH:
                raise Unreadable(f"the body nests deeper than {MAX_DEPTH}")
        elif character in "]}":
            depth -= 1


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    built = dict(pairs)
    if len(built) != len(pairs):
        seen: set[str] = set()
        twice = next(name for name, _ in pairs if name in seen or seen.add(name))  # type: ignore[func-returns-value]
        raise Unreadable(f"the body names the field `{twice[:64]}` twice")
    return built


def _constant(name: str) -> NoReturn:
    raise Unreadable(f"the body holds `{name}`, which is not JSON")


def _float(text: str) -> float:
    value = float(text)
    if value in {float("inf"), float("-inf")}:
        raise Unreadable("the body holds a number beyond the range of a double")
    return value


def _check_surrogates(value: Any) -> None:
    try:
        json.dumps(value, ensure_ascii=False).encode("utf-8")
    except UnicodeEncodeError:
        raise Unreadable("the body holds half of a surrogate pair") from None
