"""Conditions, compiled: a tree of tests that can be asked, and that can be simplified once some answers are known."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import tzinfo
from functools import cached_property
from typing import Final

from tameflare.core.errors import InvalidValue
from tameflare.core.policy.fields import Reader
from tameflare.core.policy.model import All, Condition, Not, Operator, Test
from tameflare.core.policy.operators import Probe, probe
from tameflare.core.policy.truth import ERROR, Check, Truth, all_of, always, any_of, negated

ALL, ANY, NOT = "all", "any", "not"
_DEAR: Final = {Operator.CONTAINS: 1, Operator.NOT_CONTAINS: 1, Operator.GLOB: 2, Operator.CIDR: 3, Operator.MATCHES: 4}


class Meaningless(InvalidValue):
    """A test that the engine cannot make; `line` is where it stands."""

    def __init__(self, fault: InvalidValue, line: int) -> None:
        super().__init__(fault.message, fault.help)
        self.line = line


class Leaf:
    """A test. `key` is what it reads, `cost` how dear that is: the cheap ones are asked first. `words` are the value
    that it compares with, once somebody wanted to read it. `texts`, where it has some: it is true of these texts, false
    of all others and of nothing, and an error otherwise."""

    __slots__ = ("check", "cost", "key", "test", "texts", "words")

    def __init__(self, test: Test, key: str, check: Check) -> None:
        self.test = test
        self.key = key
        self.check = check
        self.cost = _DEAR.get(test.operator, 0)
        self.words: str | None = None
        self.texts = _texts(test)


def _texts(test: Test) -> tuple[str, ...]:
    if test.operator is Operator.EQUALS:
        return (test.value,) if type(test.value) is str else ()
    if test.operator is Operator.IN and all(type(each) is str for each in test.value):
        return tuple(test.value)
    return ()


class Constant:
    """What is known already."""

    __slots__ = ("check", "cost", "truth")

    def __init__(self, truth: Truth) -> None:
        self.truth = truth
        self.check = always(truth)
        self.cost = 0


class Branch:
    """`kind` is ALL, ANY or NOT, which has one part."""

    def __init__(self, kind: str, parts: Sequence[Node]) -> None:
        self.kind = kind
        self.parts: tuple[Node, ...] = tuple(parts)
        self.cost: int = 1 + max((part.cost for part in parts), default=0)

    @cached_property
    def check(self) -> Check:
        checks = [part.check for part in sorted(self.parts, key=lambda part: part.cost)]
        if self.kind == NOT:
            return negated(checks[0])
        return all_of(checks) if self.kind == ALL else any_of(checks)


Node = Leaf | Branch | Constant
TRUE: Final = Constant(True)
FALSE: Final = Constant(False)
FAULTY: Final = Constant(ERROR)
Answers = Mapping[Leaf, Truth]


def grow(condition: Condition, zone: tzinfo | None, readers: dict[str, Reader]) -> Node:
    """The tree of a condition, as it is written; `readers` learns how its fields are read. Raises Meaningless."""
    if isinstance(condition, Test):
        found = _probe(condition, zone)
        readers[found.key] = found.read
        return Leaf(condition, found.key, found.check)
    if isinstance(condition, Not):
        return Branch(NOT, [grow(condition.part, zone, readers)])
    kind = ALL if isinstance(condition, All) else ANY
    return Branch(kind, [grow(part, zone, readers) for part in condition.parts])


def _probe(test: Test, zone: tzinfo | None) -> Probe:
    try:
        return probe(test, zone)
    except InvalidValue as fault:
        raise Meaningless(fault, test.line) from None


def leaves(node: Node) -> Iterator[Leaf]:
    if isinstance(node, Leaf):
        yield node
    elif isinstance(node, Branch):
        for part in node.parts:
            yield from leaves(part)


def fold(node: Node, answers: Answers) -> Node:
    """The same condition for facts of which `answers` are known: what is left to ask."""
    if isinstance(node, Leaf):
        return _constant(answers[node]) if node in answers else node
    if isinstance(node, Constant):
        return node
    parts = [fold(part, answers) for part in node.parts]
    if node.kind == NOT:
        return _not(parts[0])
    return both(parts) if node.kind == ALL else either(parts)


def both(parts: Sequence[Node]) -> Node:
    """`all` of the parts, without those that are known."""
    if any(part is FALSE for part in parts):
        return FALSE
    return _joined(ALL, parts, TRUE)


def either(parts: Sequence[Node]) -> Node:
    if any(part is TRUE for part in parts):
        return TRUE
    return _joined(ANY, parts, FALSE)


def conjuncts(node: Node) -> Sequence[Node]:
    """The parts that must all be true for the condition to be."""
    return node.parts if isinstance(node, Branch) and node.kind == ALL else (node,)


def _joined(kind: str, parts: Sequence[Node], nothing: Constant) -> Node:
    left: list[Node] = []
    for part in parts:
        if isinstance(part, Branch) and part.kind == kind:
            left += part.parts
        elif part is not nothing:
            left.append(part)
    if not left:
        return nothing
    if len(left) == 1 or all(part is FAULTY for part in left):
        return left[0]
    return Branch(kind, left)


def _not(part: Node) -> Node:
    if isinstance(part, Constant):
        return part if part.truth is ERROR else _constant(not part.truth)
    return Branch(NOT, [part])


def _constant(truth: Truth) -> Constant:
    return FAULTY if truth is ERROR else TRUE if truth else FALSE
