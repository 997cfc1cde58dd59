"""Finding the routes of a method and path among thousands, in the time that the path's segments take."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Final
from urllib.parse import unquote

from tameflare.connectors.fields import Schema, schema
from tameflare.connectors.routes import BodyKind, Route, When
from tameflare.connectors.shapes import A_LITERAL, A_NUMBER, ANY_SEGMENT, Shapes, Template, is_number

_UNCLEAN: Final = re.compile(r"(?:^|/|%2F)\.{0,2}(?:/|%2F|$)|;|%5C", re.IGNORECASE)
_ENCODED_SLASH: Final = re.compile(r"%2F|%5C", re.IGNORECASE)
_CAPTURE: Final = re.compile(r"\{(\w+)(?::(int|any)|(\+))?\}")


Readers = Mapping[str, Callable[[str], object]]
"""How captured segments of these names are read, beside numbers."""
NO_READERS: Final[Readers] = {}


class Leaf:
    """The routes of one method and path template, and what has to be known to tell them apart."""

    __slots__ = ("_labels", "_readers", "body_kind", "names", "reads_body", "routes", "schema", "sole")

    def __init__(self, names: tuple[tuple[str, bool], ...], readers: Readers) -> None:
        self.names = names
        self._labels = tuple(name for name, _ in names)
        known = ((name, int if number else readers.get(name)) for name, number in names)
        self._readers = tuple((name, reader) for name, reader in known if reader is not None)
        self.routes: list[Route] = []
        self.sole: Route | None = None
        self.reads_body = False
        self.body_kind = BodyKind.NONE
        self.schema: Schema = {}

    def add(self, route: Route) -> None:
        self.routes.append(route)
        self.body_kind = route.body_kind
        self.reads_body = any(_on_body(other.when) for other in self.routes)
        self.schema |= schema(f"{route.query} {route.fields}")
        self.sole = route if len(self.routes) == 1 and route.when is None else None

    def bind(self, captured: Sequence[str]) -> dict[str, object]:
        """Captured segments by name, as their readers read them: the numbers as int."""
        bound: dict[str, object] = dict(zip(self._labels, captured))  # noqa: B905 - as many by construction
        for name, reader in self._readers:
            bound[name] = reader(bound[name])  # type: ignore[arg-type]
        return bound


def _on_body(when: When | None) -> bool:
    return when is not None and not when.in_query


class Node:
    """A place in the tree: children by literal segment, then by kind of capture, in this order of preference."""

    __slots__ = ("anything", "leaves", "literals", "number", "rest", "segment")

    def __init__(self) -> None:
        self.literals: dict[str, Node] = {}
        self.number: Node | None = None
        self.segment: Node | None = None
        self.anything: Node | None = None
        self.rest: Node | None = None
        self.leaves: dict[str, Leaf] = {}


class Trie:
    """Routes of one host, compiled once."""

    __slots__ = ("_readers", "_root", "_shapes")

    def __init__(self, routes: Iterable[Route], readers: Readers = NO_READERS) -> None:
        self._readers = readers
        self._root = Node()
        for route in routes:
            self._add(route)
        self._shapes = Shapes(_templates(self._root))

    def _add(self, route: Route) -> None:
        node = self._root
        names: list[tuple[str, bool]] = []
        for segment in route.path[1:].split("/"):
            node, name = _descend(node, segment)
            names += [name] if name else []
        for method in route.methods:
            leaf = node.leaves.setdefault(method, Leaf(tuple(names), self._readers))
            if leaf.names != tuple(names):
                raise ValueError(f"route {route.method} {route.path} names its segments unlike its siblings")
            leaf.add(route)

    def find(self, method: str, path: str) -> tuple[Leaf, Sequence[str]] | None:
        """The leaf and the captured segments, decoded; HEAD falls back to GET."""
        if path[:1] != "/":
            return None
        segments = path[1:].split("/")
        if "" not in segments and ";" not in path and "%" not in path:
            quick = self._shapes.find(segments)
            if quick is not None and method in quick[0]:
                return quick[0][method], quick[1]
        return self._walked(method, segments)

    def _walked(self, method: str, segments: list[str]) -> tuple[Leaf, Sequence[str]] | None:
        captured: list[str] = []
        leaf = _walk(self._root, segments, 0, method, captured)
        if leaf is None and method == "HEAD":
            captured.clear()
            leaf = _walk(self._root, segments, 0, "GET", captured)
        return None if leaf is None else (leaf, [unquote(value) for value in captured])


def _templates(node: Node, before: tuple[tuple[int, str], ...] = ()) -> Iterator[Template[dict[str, Leaf]]]:
    """Every template below a node, for looking plain paths up."""
    if node.leaves:
        yield Template(before, False, node.leaves)
    if node.anything is not None or node.rest is not None:
        yield Template(before, True, node.leaves)
    for text, child in node.literals.items():
        yield from _templates(child, (*before, (A_LITERAL, text)))
    if node.number is not None:
        yield from _templates(node.number, (*before, (A_NUMBER, "")))
    if node.segment is not None:
        yield from _templates(node.segment, (*before, (ANY_SEGMENT, "")))


def _descend(node: Node, segment: str) -> tuple[Node, tuple[str, bool] | None]:
    match = _CAPTURE.fullmatch(segment)
    if match is None:
        return node.literals.setdefault(segment, Node()), None
    name, kind, rest = match.groups()
    place = "rest" if rest else {"int": "number", "any": "anything", None: "segment"}[kind]
    child = getattr(node, place)
    if child is None:
        child = Node()
        setattr(node, place, child)
    return child, (name, kind == "int")


def _walk(node: Node, segments: list[str], index: int, method: str, captured: list[str]) -> Leaf | None:
    """Depth first; a capture is taken back where it leads nowhere."""
    if index == len(segments):
        return node.leaves.get(method)
    segment = segments[index]
    child = node.literals.get(segment)
    if child is not None:
        found = _walk(child, segments, index + 1, method, captured)
        if found is not None:
            return found
    if not segment:
        return None
    for child in _captures(node, segment):
        captured.append(segment)
        found = _walk(child, segments, index + 1, method, captured)
        if found is not None:
            return found
        captured.pop()
    return _rest(node, segments, index, method, captured)


def _captures(node: Node, segment: str) -> list[Node]:
    """The capturing children that take this segment."""
    taken = []
    if node.number is not None and is_number(segment):
        taken.append(node.number)
    if node.segment is not None and _is_plain(segment):
        taken.append(node.segment)
    if node.anything is not None and _is_clean(segment):
        taken.append(node.anything)
    return taken


def _is_plain(segment: str) -> bool:
    return ";" not in segment and ("%" not in segment or _ENCODED_SLASH.search(segment) is None)


def _is_clean(text: str) -> bool:
    """Whether text with slashes, encoded or not, means the same to every server: no `;`, no empty or dot segments."""
    return _UNCLEAN.search(text) is None


def _rest(node: Node, segments: list[str], index: int, method: str, captured: list[str]) -> Leaf | None:
    """As few segments as lead to a leaf, so that `{branch+}/protection` goes before `{branch+}`."""
    rest, place = node.rest, len(captured)
    if rest is None:
        return None
    for end in range(index + 1, len(segments) + 1):
        child = rest if end == len(segments) else rest.literals.get(segments[end])
        if child is None:
            continue
        captured.append("")
        leaf = _walk(child, segments, min(end + 1, len(segments)), method, captured)
        if leaf is not None:
            captured[place] = "/".join(segments[index:end])
            return leaf if _is_clean(captured[place]) else None
        captured.pop()
    return None
