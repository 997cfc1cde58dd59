"""What YAML is made of, with the place of each part."""

from __future__ import annotations

from typing import Final

from tameflare.core.policy import limits
from tameflare.core.policy.diagnostics import Diagnostic
from tameflare.core.text import spell_out

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
    """The faults found so far. As many as `limits.FAULTS` are kept, all are counted."""

    __slots__ = ("_count", "_kept")

    def __init__(self) -> None:
        self._kept: list[Diagnostic] = []
        self._count = 0

    def __len__(self) -> int:
        return self._count

    def add(self, place: Place, message: str, help: str = "") -> None:  # noqa: A002 - as a Diagnostic has it
        self._count += 1
        if len(self._kept) < limits.FAULTS:
            self._kept.append(Diagnostic(place.line, place.column, _on_one_line(message), _on_one_line(help)))

    def told(self) -> tuple[Diagnostic, ...]:
        """Those that were kept, in the order of the source."""
        return tuple(sorted(set(self._kept)))


def _on_one_line(sentence: str) -> str:
    """A sentence with what somebody wrote in it, fit to be shown."""
    return spell_out(" ".join(sentence.split()))
