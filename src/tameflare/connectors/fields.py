"""Fields of queries and forms: decoded, nested, typed; and the way back.

`a[b]=1` nests, `a[]=1` and `a[0]=1` make lists. Values are text until a schema types them; what cannot be converted
stays the text that was sent, so that comparing it with a number is an error and never a silent zero. Where servers read
a name in several ways (PHP and Rack cut blanks, brackets and what follows a NUL, some divide at `;`), the field that
some of them see is UNCLEAR, and comparing it is an error as well.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from typing import Any, Final
from urllib.parse import quote_plus, unquote_plus

from tameflare.connectors.faults import Unreadable

Fields = dict[str, Any]
Converter = Callable[[str], Any]
Schema = dict[str, Any]
MAX_PAIRS: Final = 10_000
MAX_NESTING: Final = 16
_NONE: Final[set[str]] = set()
UNCLEAR: Final[Any] = ()
"""In place of a value that can be read in several ways, or not at all: no comparison knows it."""
_OWN: Final = ""
_INTEGER: Final = re.compile(r"-?(?:0|[1-9][0-9]{0,38})")
_NUMBER: Final = re.compile(r"-?(?:0|[1-9][0-9]{0,38})(?:\.[0-9]{1,30})?")
_KEY: Final = re.compile(r"([^\[\]]+)((?:\[[^\[\]]*\])*)")
_PART: Final = re.compile(r"\[([^\[\]]*)\]")
_CLEAR_NAME: Final = re.compile(
    r"[^\[\]\s\x00-\x1f](?:[^\[\]\x00-\x1f]*[^\[\]\s\x00-\x1f])?(?:\[[^\[\]\s\x00-\x1f]*\])*"
)
_PLAIN_QUERY: Final = re.compile(r"[^%+;\[\]]*")
_LAX_NAME: Final = re.compile(r"[\[\]\s\x00-\x1f]*([^\[\]\x00]*)")


def _integer(text: str) -> Any:
    return int(text) if _INTEGER.fullmatch(text) else text


def _number(text: str) -> Any:
    if _INTEGER.fullmatch(text):
        return int(text)
    return float(text) if _NUMBER.fullmatch(text) else text


def _boolean(text: str) -> Any:
    return {"true": True, "false": False}.get(text, text)


_CONVERTERS: Final[dict[str, Converter]] = {"int": _integer, "number": _number, "bool": _boolean, "str": str}


def schema(spec: str) -> Schema:
    """Compile `amount:int items.*.quantity:int`; names without a type are text and need no entry."""
    compiled: Schema = {}
    for entry in spec.split():
        path, _, kind = entry.partition(":")
        if not kind:
            continue
        place = compiled
        for name in path.split("."):
            place = place.setdefault(name, {})
        place[_OWN] = _CONVERTERS[kind]
    return compiled


def convert(value: Any, typed: Schema) -> Any:
    """Type the text in a decoded value in place, as the schema says."""
    keys: Iterator[Any] = iter(list(value) if isinstance(value, dict) else range(len(value)))
    for key in keys:
        rule = typed.get(key, typed.get("*")) if isinstance(key, str) else typed.get("*")
        if rule is None:
            continue
        inner = value[key]
        if isinstance(inner, dict | list):
            convert(inner, rule)
        elif isinstance(inner, str) and _OWN in rule:
            value[key] = rule[_OWN](inner)
    return value


def parse_query(query: str) -> Fields:
    """Decode a raw query. Never raises: a name sent twice becomes a list. All of it is read, since all of it goes on;
    heads are bounded."""
    fields: Fields = {}
    if not query:
        return fields
    if _PLAIN_QUERY.fullmatch(query):
        for pair in query.split("&"):
            name, _, value = pair.partition("=")
            if name and name not in fields:
                fields[name] = value
            elif name:
                _put_leniently(fields, name, value)
        return fields
    unclear: set[str] = set()
    for pair in query.split("&"):
        name, _, value = pair.partition("=")
        if name:
            _put_leniently(fields, unquote_plus(name), unquote_plus(value))
            unclear |= _read_otherwise(pair)
    return _grouped(fields) | dict.fromkeys(unclear, UNCLEAR)


def _read_otherwise(pair: str) -> set[str]:
    """Names of fields that some servers find in a pair, with other values than are read here."""
    name, divided = unquote_plus(pair.partition("=")[0]), ";" in pair
    if not divided and _CLEAR_NAME.fullmatch(name):
        return _NONE
    return {found for part in pair.split(";") if (found := _lax(part))}


def _lax(pair: str) -> str:
    match = _LAX_NAME.match(unquote_plus(pair.partition("=")[0]))
    assert match is not None  # it fits everything
    return match[1].strip()


def without(fields: Fields, names: frozenset[str]) -> Fields:
    """The fields but those of these names."""
    if names.isdisjoint(fields):
        return fields
    return {name: value for name, value in fields.items() if name not in names}


def _put_leniently(fields: Fields, name: str, value: str) -> None:
    if name not in fields:
        try:
            _put(fields, name, value)
        except Unreadable:
            fields[name] = [value]
        return
    before = fields[name]
    if isinstance(before, list):
        before.append(value)
    else:
        fields[name] = [before, value]


def parse_form(body: bytes) -> Fields:
    """Decode an urlencoded form. Raises Unreadable for broken text, repeated names and nesting too deep."""
    try:
        pairs = body.decode("utf-8").split("&")
    except UnicodeDecodeError:
        raise Unreadable("the form is not UTF-8") from None
    if len(pairs) > MAX_PAIRS or body.count(b";") > MAX_PAIRS:
        raise Unreadable(f"the form holds more than {MAX_PAIRS} fields")
    fields: Fields = {}
    unclear: set[str] = set()
    for pair in pairs:
        name, _, value = pair.partition("=")
        if name or value:
            _put(fields, _decode(name), _decode(value))
            unclear |= _read_otherwise(pair)
    return _grouped(fields) | dict.fromkeys(unclear, UNCLEAR)


def field_of_part(fields: Fields, name: str, value: str) -> None:
    """Add a field of a multipart form, whose names are not encoded. Raises Unreadable where it was sent before."""
    _put(fields, name, value)
    if not _CLEAR_NAME.fullmatch(name):
        raise Unreadable(f"the field `{name}` could be read as another")


def _decode(text: str) -> str:
    try:
        return unquote_plus(text, errors="strict")
    except UnicodeDecodeError:
        raise Unreadable("the form holds text that is not UTF-8") from None


def _put(fields: Fields, name: str, value: str) -> None:
    """Set one field, nested by its brackets. Raises Unreadable where the name was sent before in another way."""
    if "[" not in name:
        if name in fields:
            raise Unreadable(f"the field `{name}` was sent twice")
        fields[name] = value
        return
    match = _KEY.fullmatch(name)
    parts = [match.group(1), *_PART.findall(match.group(2))] if match else [name]
    if len(parts) > MAX_NESTING:
        raise Unreadable(f"the field `{name}` nests deeper than {MAX_NESTING}")
    _nest(fields, parts, value, name)


def _nest(place: Fields, parts: list[str], value: str, name: str) -> None:
    *parents, last = parts
    for parent in parents:
        inner = place.setdefault(parent or str(len(place)), {})
        if not isinstance(inner, dict):
            raise Unreadable(f"the field `{name}` was sent as a value and as a group")
        place = inner
    key = last or str(len(place))
    if key in place:
        raise Unreadable(f"the field `{name}` was sent twice")
    place[key] = value


def _grouped(fields: Fields) -> Fields:
    return {name: _listed(value) if isinstance(value, dict) else value for name, value in fields.items()}


def _listed(value: Any) -> Any:
    """Groups whose keys count from 0 become lists."""
    if not isinstance(value, dict):
        return value
    inner = {key: _listed(item) for key, item in value.items()}
    if inner and list(inner) == [str(index) for index in range(len(inner))]:
        return list(inner.values())
    return inner


def encode(fields: Fields) -> str:
    """Write fields as an urlencoded query or form; null fields are left out."""
    return "&".join(f"{quote_plus(name, safe='[]')}={quote_plus(text)}" for name, text in _flat(fields))


def _flat(fields: Fields) -> Iterator[tuple[str, str]]:
    for name, value in fields.items():
        yield from _flat_value(name, value)


def _flat_value(name: str, value: Any) -> Iterator[tuple[str, str]]:
    if isinstance(value, dict):
        for key, inner in value.items():
            yield from _flat_value(f"{name}[{key}]", inner)
    elif isinstance(value, list):
        for index, inner in enumerate(value):
            yield from _flat_value(f"{name}[{index}]", inner)
    elif isinstance(value, bool):
        yield name, "true" if value else "false"
    elif value is not None:
        yield name, str(value)
