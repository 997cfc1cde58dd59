"""Reads the entries of a mapping, and tells of those that nobody asked for."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from collections.abc import Mapping as Words
from typing import Final

from tameflare.core.policy.diagnostics import meant, quoted
from tameflare.core.policy.nodes import KINDS, Faults, Mapping, Node, Place, Scalar, Sequence
from tameflare.core.text import spell_out

NO_WORDS: Final[Words[str, str]] = {}


class Form:
    """One mapping, called `name` in faults. `instead` are keys that people write for others."""

    __slots__ = ("_faults", "_mapping", "_mistyped", "name")

    def __init__(
        self,
        mapping: Mapping,
        name: str,
        keys: Collection[str],
        faults: Faults,
        instead: Words[str, str] = NO_WORDS,
    ) -> None:
        self._mapping = mapping
        self._faults = faults
        self._mistyped: set[str] = set()
        self.name = name
        for text, (key, _) in mapping.entries.items():
            if text not in keys:
                unset = [each for each in keys if each not in mapping.entries]
                better = f"did you mean `{instead[text]}`?" if text in instead else meant(text, unset or keys)
                self._mistyped.update(each for each in unset if better == f"did you mean `{each}`?")
                faults.add(key, f"{name} has no key {quoted(text)}", better)

    @property
    def place(self) -> Place:
        return self._mapping

    def has(self, key: str) -> bool:
        return key in self._mapping.entries

    def node(self, key: str) -> Node | None:
        entry = self._mapping.entries.get(key)
        return entry[1] if entry else None

    def entry(self, key: str) -> tuple[Scalar, Node]:
        return self._mapping.entries[key]

    def key(self, key: str) -> Place:
        """Where the key stands, or the mapping where there is none."""
        entry = self._mapping.entries.get(key)
        return entry[0] if entry else self._mapping

    def needed(self, key: str, help: str) -> Node | None:  # noqa: A002 - as a Diagnostic has it
        """What must be there; told where it is missing, unless a mistyped key was told in its place."""
        node = self.node(key)
        if node is None and key not in self._mistyped:
            self._faults.add(self._mapping, f"{self.name} has no `{key}`", help)
        return node

    def text(self, key: str, longest: int, default: str = "") -> str:
        node = self.node(key)
        return default if node is None else text(node, f"`{key}`", longest, self._faults) or default

    def texts(self, key: str, most: int, longest: int) -> list[Scalar]:
        """A list of texts, or a single one; empty where there is none, or a fault was told."""
        node = self.node(key)
        return [] if node is None else list(texts(node, key, most, longest, self._faults))

    def flag(self, key: str, default: bool) -> bool:
        node = self.node(key)
        if node is None:
            return default
        if isinstance(node, Scalar) and isinstance(node.value, bool):
            return node.value
        _wrong(node, f"`{key}`", "`true` or `false`", self._faults)
        return default

    def number(self, key: str, lowest: int, highest: int) -> int | None:
        """A whole number; None where there is none, or a fault was told."""
        node = self.node(key)
        if node is None:
            return None
        if not isinstance(node, Scalar) or type(node.value) is not int:
            _wrong(node, f"`{key}`", "a whole number", self._faults)
            return None
        if not lowest <= node.value <= highest:
            self._faults.add(node, f"`{key}` is {node.text}", f"write a number from {lowest} to {highest}")
            return None
        return node.value


def unseen(text: str) -> bool:
    """Whether a text holds characters that control terminals or change directions."""
    return not text.isprintable() and spell_out(text) != text


def mapping(node: Node, name: str, faults: Faults) -> Mapping | None:
    if isinstance(node, Mapping):
        return node
    _wrong(node, name, "a mapping", faults)
    return None


def sequence(node: Node, name: str, most: int, faults: Faults) -> Sequence | None:
    """A list with at least one entry and at most `most`."""
    if not isinstance(node, Sequence):
        _wrong(node, name, "a list", faults)
        return None
    if not node.items:
        faults.add(node, f"{name} is empty", "leave it out, or write what belongs in it")
        return None
    if len(node.items) > most:
        faults.add(node, f"{name} has {len(node.items)} entries", f"there may be {most}; split it")
        return None
    return node


def text(node: Node, name: str, longest: int, faults: Faults) -> str:
    """A text that is neither empty nor too long; empty where a fault was told."""
    if not isinstance(node, Scalar) or not isinstance(node.value, str):
        _wrong(node, name, "text", faults)
        return ""
    if node.faulty:
        return ""
    if not node.value.strip():
        faults.add(node, f"{name} is empty", "leave it out, or write what belongs there")
        return ""
    if len(node.value) > longest:
        faults.add(node, f"{name} has {len(node.value)} characters", f"write at most {longest}")
        return ""
    if unseen(node.value):
        faults.add(node, f"{name} holds a character that nobody sees", "remove what `\\` stands for in it")
        return ""
    return node.value


def texts(node: Node, key: str, most: int, longest: int, faults: Faults) -> Iterator[Scalar]:
    name = f"`{key}`"
    if isinstance(node, Scalar):
        items: list[Node] = [node]
    else:
        found = sequence(node, name, most, faults)
        items = found.items if found else []
    for item in items:
        if text(item, f"an entry of {name}" if item is not node else name, longest, faults):
            assert isinstance(item, Scalar)
            yield item


def _wrong(node: Node, name: str, wanted: str, faults: Faults) -> None:
    """Say that a node is of another kind; nothing where that was said already."""
    if isinstance(node, Scalar) and node.faulty:
        return
    faults.add(node, f"{name} is {said(node)}", f"write {wanted}{_quotes(node, wanted)}")


def _quotes(node: Node, wanted: str) -> str:
    return f': `"{node.text}"`' if wanted == "text" and isinstance(node, Scalar) and node.value is not None else ""


def said(node: Node) -> str:
    """A node in the words of a fault."""
    if not isinstance(node, Scalar):
        return KINDS[type(node)]
    if node.value is None:
        return "empty"
    if isinstance(node.value, str):
        return f"the text {quoted(node.text)}"
    return f"`{node.text}`"
