"""The canonical form of JSON (RFC 8785): one text for one value, so that a hash of it names the value.

Whatever another reader could take for another value is refused: integers beyond 2^53, which many readers round, halves
of surrogate pairs, numbers that JSON does not have. Names that are sent twice are refused where a text is read, before
it gets here.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator
from json import JSONEncoder
from json.encoder import encode_basestring as _quoted
from math import isfinite
from typing import Any, Final

from tameflare.core.errors import InvalidValue

LARGEST: Final = 1 << 53
_FIXED: Final = 21
"""ECMAScript writes numbers below 10^21 without an exponent, and from 10^-6 on."""
_HALF: Final = re.compile("[\ud800-\udfff]")
_encoder: Final = JSONEncoder(ensure_ascii=False, sort_keys=True, separators=(",", ":"))


def canonical(value: Any) -> bytes:
    """The canonical text of a decoded JSON value. Raises InvalidValue for what `problems` would tell."""
    if is_plain(value):
        return _encoder.encode(value).encode()
    for path, message in problems(value):
        raise InvalidValue(f"`{path}`: {message}" if path else message)
    out: list[str] = []
    _write(value, out)
    return "".join(out).encode()


def spec_hash(action_type: str, resource: dict[str, Any], parameters: dict[str, Any]) -> str:
    """The SHA-256 (hex) that names an action. Raises InvalidValue as `canonical`."""
    return digest({"type": action_type, "resource": resource, "parameters": parameters})


def digest(value: Any) -> str:
    """SHA-256 (hex) of the canonical text. Raises InvalidValue as `canonical`."""
    return hashlib.sha256(canonical(value)).hexdigest()


def problems(value: Any, path: str = "") -> Iterator[tuple[str, str]]:
    """Why a value has no canonical form: a path such as `parameters.amounts.0`, and a sentence, for each fault."""
    if isinstance(value, str):
        yield from _text_problems(value, path)
    elif isinstance(value, bool) or value is None:
        return
    elif isinstance(value, int):
        if not -LARGEST <= value <= LARGEST:
            yield path, "an integer beyond 2^53 means different numbers to different readers; send it as text"
    elif isinstance(value, float):
        if not isfinite(value):
            yield path, "this is no number that JSON has"
    elif isinstance(value, dict):
        for name, item in value.items():
            inner = f"{path}.{name}" if path else name
            yield from _text_problems(name, inner)
            yield from problems(item, inner)
    elif isinstance(value, list):
        for index, item in enumerate(value):
            yield from problems(item, f"{path}.{index}" if path else str(index))
    else:
        yield path, f"a {type(value).__name__} is nothing that JSON has"


def is_plain(value: Any) -> bool:
    """Whether the library writes it canonically too, and several times as fast: no fractions, nothing but ASCII, no
    fault. True does not miss a fault; False may be said of what is fine."""
    kind = type(value)
    if kind is str:
        return value.isascii()  # type: ignore[no-any-return]
    if kind is dict:
        return all(type(name) is str and name.isascii() and is_plain(item) for name, item in value.items())
    if kind is int:
        return -LARGEST <= value <= LARGEST  # type: ignore[no-any-return]
    if kind is list:
        return all(map(is_plain, value))
    return kind is bool or value is None


def _text_problems(text: str, path: str) -> Iterator[tuple[str, str]]:
    if not text.isascii() and _HALF.search(text):
        shown = path.encode("utf-8", "replace").decode()
        yield shown, "half of a surrogate pair is no character"


def _write(value: Any, out: list[str]) -> None:
    if isinstance(value, str):
        out.append(_quoted(value))
    elif value is None or isinstance(value, bool):
        out.append("null" if value is None else ("true" if value else "false"))
    elif isinstance(value, int):
        out.append(str(value))
    elif isinstance(value, float):
        out.append(number(value))
    elif isinstance(value, dict):
        _write_object(value, out)
    else:
        separator = "["
        for item in value:
            out.append(separator)
            _write(item, out)
            separator = ","
        out.append("]" if value else "[]")


def _write_object(value: dict[str, Any], out: list[str]) -> None:
    separator = "{"
    for name in sorted(value, key=_by_utf16):
        out.append(f"{separator}{_quoted(name)}:")
        _write(value[name], out)
        separator = ","
    out.append("}" if value else "{}")


def _by_utf16(name: str) -> bytes:
    """Names are sorted by their UTF-16 code units (RFC 8785, section 3.2.3)."""
    return name.encode("utf-16-be")


def number(value: float) -> str:
    """A finite double as ECMAScript writes it (RFC 8785, section 3.2.2.3)."""
    if value == 0:
        return "0"
    sign, text = ("-", repr(-value)) if value < 0 else ("", repr(value))
    mantissa, _, power = text.partition("e")
    whole, _, fraction = mantissa.partition(".")
    digits = (whole + fraction).lstrip("0")
    point = len(whole) + int(power or 0) - (len(whole + fraction) - len(digits))
    return sign + _placed(digits.rstrip("0"), point)


def _placed(digits: str, point: int) -> str:
    """`digits` with the decimal point after `point` of them, as ECMA-262 says in Number::toString."""
    count = len(digits)
    if count <= point <= _FIXED:
        return digits + "0" * (point - count)
    if 0 < point <= _FIXED:
        return f"{digits[:point]}.{digits[point:]}"
    if -6 < point <= 0:
        return f"0.{'0' * -point}{digits}"
    mantissa = digits if count == 1 else f"{digits[0]}.{digits[1:]}"
    return f"{mantissa}e{'+' if point > 0 else '-'}{abs(point - 1)}"
