"""What YAML is made of, with the place of each part."""

from __future__ import annotations

from typing import Final

from tameflare.core.policy import limits
from tameflare.core.policy.diagnostics import Diagnostic

Value = str | int | float | bool | None


class Place:
    """A line and a column of the source, from 1."""

    __slots__ = ("column", "line")

    def __init__(self, line: int, column: int) -> None:
        self.line = line
        self.column = column


class Scalar(Place):
    """A single value: as it was written, and as it is meant. `faulty`: it was told already why it means nothing."""

    __slots__ = ("faulty", "text", "value")

    def __init__(self, line: int, column: int, text: str, value: Value, faulty: bool = False) -> None:
        self.line = line
        self.column = column
        self.text = text
        self.value = value
        self.faulty = faulty


class Sequence(Place):
    """A list."""

    __slots__ = ("items",)

    def __init__(self, line: int, column: int) -> None:
        super().__init__(line, column)
        self.items: list[Node] = []


class Mapping(Place):
    """Pairs of key and value, in their order; `repeated` are the keys that stand there twice."""

    __slots__ = ("entries", "repeated")

    def __init__(self, line: int, column: int) -> None:
        super().__init__(line, column)
        self.entries: dict[str, tuple[Scalar, Node]] = {}
        self.repeated: set[str] = set()


Node = Scalar | Sequence | Mapping
KINDS: Final = {Scalar: "a value", Sequence: "a list", Mapping: "a mapping"}


class Faults:
    """The faults found so far, at most `limits.FAULTS` of them."""

    __slots__ = ("_found",)

    def __init__(self) -> None:
        self._found: list[Diagnostic] = []

    def __len__(self) -> int:
        return len(self._found)

    def add(self, place: Place, message: str, help: str = "") -> None:  # noqa: A002 - as a Diagnostic has it
        if len(self._found) < limits.FAULTS:
            self._found.append(Diagnostic(place.line, place.column, message, help))

    def told(self) -> tuple[Diagnostic, ...]:
        """All of them, in the order of the source."""
        return tuple(sorted(set(self._found)))
