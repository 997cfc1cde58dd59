"""The fields of one head, as llhttp calls them out, and the checks that both directions share.

A peer sends the same field names over and over. What follows from the names alone (which fields the proxy reads itself,
which pass on, how they are written again) is worked out once for each list of names, in a `Layout`; a head is then a
layout and its values.

llhttp is one of two readers: what it lets pass is checked again here, because its strictness has changed between
versions and a proxy that reads a message differently from the next hop is a hole.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from operator import itemgetter
from typing import Final

import msgspec

from tameflare.wire.diagnosis import LARGEST_HEAD, MOST_FIELDS, octet_fault, too_large, too_many
from tameflare.wire.faults import HeadFault
from tameflare.wire.names import Names

Header = tuple[bytes, bytes, bytes]
"""(lower-case name, name as sent, value)"""

Values = tuple[bytes, ...]

FORBIDDEN: Final = bytes(octet for octet in range(32)) + b"\x7f"
_LAYOUTS: Final = 1024
_LONGEST_NAMES: Final = 2048  # bytes in all; longer lists are not remembered, which bounds the memory of it


def _picker(indexes: list[int]) -> Callable[[Values], Values]:
    """Takes the values at these places."""
    if len(indexes) > 1:
        return itemgetter(*indexes)
    only = indexes[0] if indexes else None
    return lambda values: () if only is None else (values[only],)


class Lines:
    """Writes the fields of a layout but for some names; `taken` are the values of those.

    `_` counts as `-`: servers that hand fields on as CGI variables (RFC 3875 section 4.1.18) know no difference.
    """

    __slots__ = ("_pick", "_template", "taken")

    def __init__(self, layout: Layout, without: frozenset[bytes]) -> None:
        folded = {name.replace(b"_", b"-") for name in without}
        out = {at for at, lower, _ in layout.passing if lower.replace(b"_", b"-") in folded}
        kept = [entry for entry in layout.passing if entry[0] not in out]
        self._template = b"".join(name.replace(b"%", b"%%") + b": %b\r\n" for _, _, name in kept)
        self._pick = _picker([at for at, _, _ in kept])
        self.taken = _picker(sorted(out))

    def write(self, values: Values) -> bytes:
        """Field lines, each with its CRLF."""
        return self._template % self._pick(values)


class Layout:
    """A list of field names: `passing` is place, lower-case name and spelling of each field that may go on.

    `passing_at` has the spelling by place.
    """

    __slots__ = ("_lines", "_special", "all_lines", "passing", "passing_at", "place", "special_values")

    def __init__(self, names: tuple[bytes, ...], known: Names) -> None:
        passing: list[tuple[int, bytes, bytes]] = []
        special: list[tuple[int, int]] = []
        for at, name in enumerate(names):
            found = known.get(name)
            if found is None:
                found = known.learn(name)
            if isinstance(found, bytes):
                passing.append((at, found, name))
            else:
                special.append((at, found))
        self.passing = tuple(passing)
        self.passing_at = {at: name for at, _, name in passing}
        self._special = tuple(special)
        self.special_values = _picker([at for at, _ in special])
        self.place = {lower: at for at, lower, _ in reversed(passing)}
        self._lines: dict[frozenset[bytes], Lines] = {}
        self.all_lines = self.lines_without(frozenset())

    def special_pairs(self, values: Values) -> list[tuple[int, bytes]]:
        """Number and value of each field that the proxy reads itself."""
        return [(kind, values[at].strip(b" \t")) for at, kind in self._special]

    def lines_without(self, names: frozenset[bytes]) -> Lines:
        """How the passing fields are written without those of these lower-case names."""
        ready = self._lines.get(names)
        if ready is None:
            ready = self._lines[names] = Lines(self, names)
        return ready


class Layouts:
    """The layouts of one direction met so far, up to a bound."""

    __slots__ = ("_known", "_names")

    def __init__(self, names: Names) -> None:
        self._names = names
        self._known: dict[tuple[bytes, ...], Layout] = {}

    def of(self, names: tuple[bytes, ...]) -> Layout:
        """Raises ValueError where one of them is no field name."""
        layout = self._known.get(names)
        if layout is None:
            layout = Layout(names, self._names)
            if sum(map(len, names)) > _LONGEST_NAMES:
                return layout
            if len(self._known) >= _LAYOUTS:
                self._known.clear()
            self._known[names] = layout
        return layout


class Fields(msgspec.Struct, eq=False):
    """The fields of one head that may go on, in their order; iterating gives triples.

    A head whose rest repeats the last one comes with the same object, so what was made of it can be kept: `written` is
    room for whoever writes these fields, `described` for whoever records them.
    """

    layout: Layout
    values: Values
    written: tuple[object, bytes] | None = None
    described: tuple[str, str] | None = None
    split: tuple[frozenset[bytes], bytes, Values] | None = None

    def without(self, names: frozenset[bytes]) -> tuple[bytes, Values]:
        """Field lines but for those of these lower-case names, and the values of those. Kept for heads that repeat."""
        known = self.split
        if known is None or known[0] is not names:
            lines = self.layout.lines_without(names)
            known = self.split = (names, lines.write(self.values), lines.taken(self.values))
        return known[1], known[2]

    def __iter__(self) -> Iterator[Header]:
        for at, lower, name in self.layout.passing:
            yield lower, name, self.values[at]

    def __len__(self) -> int:
        return len(self.layout.passing)

    def __eq__(self, other: object) -> bool:
        return list(self) == list(other) if isinstance(other, Fields | list) else NotImplemented

    __hash__ = None  # type: ignore[assignment]

    def __repr__(self) -> str:
        return f"Fields({[name for _, _, name in self.layout.passing]})"

    def first(self, lower: bytes) -> bytes:
        """The first value of a name in lower case; empty where it was not sent."""
        at = self.layout.place.get(lower)
        return b"" if at is None else self.values[at]


class FieldReader:
    """llhttp's callback, and what it collected.

    It stands apart from the parser's owner, so that parser and owner don't hold each other in a cycle. A repeated name
    overwrites in the dictionary, so the number of fields tells; then they are collected again one by one.
    """

    __slots__ = ("_found", "layouts", "on_header")

    def __init__(self, layouts: Layouts) -> None:
        self._found: dict[bytes, bytes] = {}
        self.on_header = self._found.__setitem__
        self.layouts = layouts

    def reset(self) -> None:
        self._found.clear()

    def take(
        self, expected: int, again: Callable[[Collector, bytes], None], data: bytes
    ) -> tuple[Layout, Values] | None:
        """The fields that were read, None where they are not `expected` many or one has no valid name.

        `again` feeds the same head, `data`, to a parser of its own.
        """
        found = self._found
        try:
            if len(found) == expected:
                return self.layouts.of(tuple(found)), tuple(found.values())
            collector = Collector()
            again(collector, data)
            if len(collector.names) != expected:
                return None
            return self.layouts.of(tuple(collector.names)), tuple(collector.values)
        except ValueError:
            return None


class Collector:
    """llhttp's callback for heads that repeat a name."""

    __slots__ = ("names", "values")

    def __init__(self) -> None:
        self.names: list[bytes] = []
        self.values: list[bytes] = []

    def on_header(self, name: bytes, value: bytes) -> None:
        self.names.append(name)
        self.values.append(value)


def passing(layouts: Layouts, layout: Layout, values: Values, dropped: frozenset[bytes]) -> Fields:
    """The fields without those that `Connection` names, and without white space after values."""
    kept = [(name, values[at].rstrip(b" \t")) for at, lower, name in layout.passing if lower not in dropped]
    return Fields(layouts.of(tuple(name for name, _ in kept)), tuple(value for _, value in kept))


def count_tabs(data: bytes, lines: int) -> int | HeadFault:
    """Number of tabs, if size and octets of `data` are those of one whole head of `lines` lines, each ended by CRLF.

    Deleting all control characters must remove the CR and LF of every line end, tabs, and nothing else.
    """
    size = len(data)
    if size > LARGEST_HEAD:
        return too_large()
    if lines - 2 > MOST_FIELDS:
        return too_many()
    tabs = size - len(data.translate(None, FORBIDDEN)) - 2 * lines
    return octet_fault(data) if tabs and tabs != data.count(b"\t") else tabs
