"""Rules told apart by a field of text: who reads `parameters.base equals main` need not be asked about `dev`."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from tameflare.core.policy import trees
from tameflare.core.policy.truth import Check, all_of

Entry = tuple[Check, Check | None, int]
"""A rule's first test, what must be true besides, and the rule's number."""
Entries = tuple[Entry, ...]
NONE: Final[Entries] = ()
_FEW: Final = 4
"""Below this many rules it is quicker to ask all of them."""


class Switch:
    """The rules of which each needs the field `key` to be one of a few texts.

    `ready` has the checks for a text that was asked for, without the test that `key` has passed; `find` makes them.
    """

    __slots__ = ("_by_text", "_others", "_rules", "key", "ready")

    def __init__(self, key: str) -> None:
        self.key = key
        self.ready: dict[str, Entries] = {}
        self._rules: list[tuple[trees.Node, int]] = []
        self._by_text: dict[str, list[tuple[trees.Node, trees.Leaf, int]]] = {}
        self._others: Entries | None = None

    def add(self, node: trees.Node, leaf: trees.Leaf, number: int) -> None:
        self._rules.append((node, number))
        for text in leaf.texts:
            self._by_text.setdefault(text, []).append((node, leaf, number))

    def find(self, text: str) -> Entries:
        """The rules that a text leaves, for one that is not in `ready`."""
        rules = self._by_text.get(text)
        if rules is None:
            return NONE
        found = tuple(entry(trees.fold(node, {leaf: True}), number) for node, leaf, number in rules)
        self.ready[text] = found
        return found

    def all(self) -> Entries:
        """All rules, for a value that is no text: to each it is an error, unless another test of it is false."""
        if self._others is None:
            self._others = tuple(entry(node, number) for node, number in self._rules)
        return self._others


def indexed(nodes: Sequence[trees.Node]) -> tuple[Entries, tuple[Switch, ...]]:
    """The rules that must always be asked, and the switches of the others. Rules are numbered in their order."""
    options = [[leaf for part in trees.conjuncts(node) if (leaf := _switching(part)) is not None] for node in nodes]
    texts: dict[str, set[str]] = {}
    for found in options:
        for leaf in found:
            texts.setdefault(leaf.key, set()).update(leaf.texts)
    always: list[tuple[trees.Node, int]] = []
    switches: dict[str, Switch] = {}
    for number, (node, found) in enumerate(zip(nodes, options, strict=True)):
        best = max(found, key=lambda leaf: len(texts[leaf.key]), default=None)
        if best is None or len(texts[best.key]) < _FEW:
            always.append((node, number))
        else:
            switches.setdefault(best.key, Switch(best.key)).add(node, best, number)
    return tuple(entry(node, number) for node, number in always), tuple(switches.values())


def entry(node: trees.Node, number: int) -> Entry:
    first, *others = sorted(trees.conjuncts(node), key=lambda part: part.cost)
    return first.check, all_of([part.check for part in others]) if others else None, number


def _switching(part: trees.Node) -> trees.Leaf | None:
    """A part of a condition that is true for a few texts and false for all others."""
    return part if isinstance(part, trees.Leaf) and part.texts else None
