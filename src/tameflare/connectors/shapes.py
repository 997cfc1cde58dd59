"""Plain paths looked up instead of walked: which of their segments are literals, and then one look into a table.

A path template has a shape: how many segments it has, and whether a literal, a number or any one segment stands at each
place. There are few shapes, so a path is tried against those of its length, in the order in which the walk through the
trie would come to them. What a capture of several segments might take first is left to the walk, so that both always
agree.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from operator import itemgetter
from typing import Final, Generic, NamedTuple, TypeVar

L = TypeVar("L")
Picker = Callable[[Sequence[str]], tuple[str, ...]]

ANY_SEGMENT: Final = 0
A_NUMBER: Final = 1
A_LITERAL: Final = 2
"""What stands at a place, in the order in which the walk prefers them, the last first."""
LONGEST_NUMBER: Final = 20


class Template(NamedTuple, Generic[L]):
    """A path template by its segments: what stands there, and the text of a literal. `is_open`: behind the last of them
    a capture stands that is none of these three."""

    segments: tuple[tuple[int, str], ...]
    is_open: bool
    leaf: L


class Shape(NamedTuple, Generic[L]):
    """Templates with literals and numbers at the same places. None in `leaves`: the walk has to tell."""

    literals: Picker
    numbers: Picker | None
    captures: Picker
    leaves: dict[tuple[str, ...], L | None]


class Shapes(Generic[L]):
    """Templates of one host, compiled once."""

    __slots__ = ("_by_length",)

    def __init__(self, templates: Iterable[Template[L]]) -> None:
        known = list(templates)
        plain, others = [one for one in known if not one.is_open], [one for one in known if one.is_open]
        self._by_length: dict[int, tuple[Shape[L], ...]] = {
            length: tuple(_shapes([one for one in plain if len(one.segments) == length], others))
            for length in {len(one.segments) for one in plain}
        }

    def find(self, segments: Sequence[str]) -> tuple[L, tuple[str, ...]] | None:
        """What the walk would find for these plain segments, and what they capture; None where only it can tell."""
        for literals, numbers, captures, leaves in self._by_length.get(len(segments), ()):
            key = literals(segments)
            if key in leaves and (numbers is None or all(map(is_number, numbers(segments)))):
                leaf = leaves[key]
                return None if leaf is None else (leaf, captures(segments))
        return None


def is_number(segment: str) -> bool:
    return segment.isdigit() and segment.isascii() and len(segment) <= LONGEST_NUMBER


def _shapes(templates: list[Template[L]], others: list[Template[L]]) -> Iterable[Shape[L]]:
    by_kinds: dict[tuple[int, ...], list[Template[L]]] = {}
    for template in templates:
        by_kinds.setdefault(tuple(kind for kind, _ in template.segments), []).append(template)
    for kinds in sorted(by_kinds, reverse=True):
        numbers = _places(kinds, {A_NUMBER})
        yield Shape(
            _picker(_places(kinds, {A_LITERAL})),
            _picker(numbers) if numbers else None,
            _picker(_places(kinds, {A_NUMBER, ANY_SEGMENT})),
            {
                tuple(text for kind, text in one.segments if kind == A_LITERAL): (
                    None if any(_may_go_before(other, one) for other in others) else one.leaf
                )
                for one in by_kinds[kinds]
            },
        )


def _places(kinds: tuple[int, ...], wanted: set[int]) -> list[int]:
    return [at for at, kind in enumerate(kinds) if kind in wanted]


def _may_go_before(other: Template[L], template: Template[L]) -> bool:
    """Whether some path fits both and the walk comes to the other one, an open one, first."""
    for theirs, ours in zip(other.segments, template.segments, strict=False):
        if theirs[0] > ours[0]:
            return True
        if theirs != ours:
            return False
    return False


def _picker(places: list[int]) -> Picker:
    if len(places) > 1:
        return itemgetter(*places)
    if not places:
        return lambda _: ()
    (only,) = places
    return lambda segments: (segments[only],)
