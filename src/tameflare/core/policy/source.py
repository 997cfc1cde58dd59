"""The text of a policy as a tree of nodes with their places; strict where YAML is lax.

libyaml's events are read one by one, so that neither nesting nor aliases can cost more than the text is long.
"""

from __future__ import annotations

import re
from typing import Any, Final

import yaml

from tameflare.core.policy import limits
from tameflare.core.policy.diagnostics import quoted
from tameflare.core.policy.nodes import Faults, Mapping, Node, Place, Scalar, Sequence
from tameflare.core.policy.scalars import Doubt, meaning

LOADER: Final[Any] = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
_SINGLE: Final = yaml.ScalarEvent
_OPEN: Final = frozenset({yaml.MappingStartEvent, yaml.SequenceStartEvent})
_CLOSE: Final = frozenset({yaml.MappingEndEvent, yaml.SequenceEndEvent})
_SURROGATE: Final = re.compile("[\ud800-\udfff]")
_ODD: Final = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069\ufeff\ufffe\uffff\ud800-\udfff]"
)
_HELPS: Final = (
    ("mapping values are not allowed", "put a text that holds `: ` in quotes, and check the indentation"),
    ("could not find expected ':'", "write `key: value`, indented like the keys beside it"),
    ("did not find expected key", "check the indentation, and that quotes and brackets are closed"),
    ("did not find expected '-' indicator", "entries of a list stand under each other, each behind `- `"),
    ("did not find expected ',' or", "separate entries by commas, and put texts with commas or brackets in quotes"),
    ("cannot start any token", "put a text that begins with `@`, `%` or a backtick in quotes"),
    ("unexpected end of stream", "close the quotes"),
    ("expected <document start>", "a policy begins with `name:`; remove what stands before it"),
    ("expected node content", "close the brackets, and put texts that begin with `]`, `}`, `,` or `:` in quotes"),
    ("unknown escape character", "write texts with backslashes in single quotes"),
)


class _Stop(Exception):
    """Nothing further can be read."""


def read(source: str, first_line: int, faults: Faults) -> Node | None:
    """The one document of `source`, whose lines are counted from `first_line`; None where it is empty or unreadable."""
    source = source.replace("\r\n", "\n")
    if _odd(source, first_line, faults):
        return None
    try:
        return _Reader(source, first_line, faults).document()
    except yaml.MarkedYAMLError as fault:
        _tell(fault, source, first_line, faults)
    except yaml.YAMLError as fault:
        faults.add(Place(first_line, 1), f"no YAML: {quoted(fault)}")
    except _Stop:
        return None
    return None


def _odd(source: str, first_line: int, faults: Faults) -> bool:
    """Whether there are too many characters, or some that nobody sees."""
    if len(source) > limits.SOURCE:
        help_ = f"a policy has at most {limits.SOURCE:,}; split it"
        faults.add(Place(first_line, 1), f"a policy of {len(source):,} characters", help_)
        return True
    for found in _ODD.finditer(source):
        at = found.start()
        line = source.count("\n", 0, at)
        place = Place(first_line + line, at - source.rfind("\n", 0, at))
        faults.add(
            place, f"the invisible character U+{ord(found.group()):04X}", _ODD_HELP.get(found.group(), "remove it")
        )
    return len(faults) > 0


_ODD_HELP: Final = {
    "\ufeff": "save the file as UTF-8 without a byte order mark",
    "\r": "end lines with a line feed",
}


def _tell(fault: yaml.MarkedYAMLError, source: str, first_line: int, faults: Faults) -> None:
    mark = fault.problem_mark or fault.context_mark
    line, column = (mark.line, mark.column) if mark else (0, 0)
    problem = fault.problem or "unreadable"
    lines = source.split("\n")
    written = lines[line] if line < len(lines) else ""
    if "\t" in written[: len(written) - len(written.lstrip())]:
        faults.add(Place(first_line + line, written.index("\t") + 1), "a tab in the indentation", "indent with spaces")
        return
    help_ = next((help_ for words, help_ in _HELPS if words in problem), "")
    faults.add(Place(first_line + line, column + 1), f"no YAML: {problem}", help_)


class _Reader:
    """Puts events together. `_stack` are the lists and mappings that are open, `_keys` the keys that await a value."""

    def __init__(self, source: str, first_line: int, faults: Faults) -> None:
        self._next = LOADER(source).get_event
        self._first_line = first_line
        self._faults = faults
        self._stack: list[Sequence | Mapping] = []
        self._keys: list[Scalar | None] = []
        self._root: Node | None = None
        self._count = 0
        self._documents = 0

    def document(self) -> Node | None:
        take = self._next
        while (event := take()) is not None:
            kind = type(event)
            if kind is _SINGLE:
                self._put(self._scalar(event))
            elif kind in _OPEN:
                self._begin(event)
            elif kind in _CLOSE:
                self._stack.pop()
                self._keys.pop()
            elif kind is yaml.AliasEvent:
                self._stop(event, f"the alias `*{event.anchor}`", "write the value itself; policies have no aliases")
            elif kind is yaml.DocumentStartEvent:
                self._start(event)
        return self._root

    def _start(self, event: Any) -> None:
        self._documents += 1
        if event.version or event.tags:
            self._stop(event, "a directive of YAML", "remove the line that begins with `%`")
        if self._documents > 1:
            self._stop(
                event, "a second document", "one policy is one document; `tf policy lint` reads files of several"
            )

    def _place(self, event: Any) -> Place:
        mark = event.start_mark
        return Place(self._first_line + mark.line, mark.column + 1)

    def _stop(self, event: Any, message: str, help_: str) -> None:
        self._faults.add(self._place(event), message, help_)
        raise _Stop

    def _refuse_marks(self, event: Any) -> None:
        """A value has neither anchor nor tag."""
        if event.anchor:
            message = f"the anchor `&{event.anchor}`"
            self._faults.add(self._place(event), message, "remove it; policies have no aliases")
        if event.tag:
            message = f"the tag {quoted(event.tag)}"
            self._faults.add(self._place(event), message, "remove it; the form of a value says what it is")

    def _scalar(self, event: Any) -> Scalar:
        if event.anchor is not None or event.tag is not None:
            self._refuse_marks(event)
        mark = event.start_mark
        line, column = self._first_line + mark.line, mark.column + 1
        text: str = event.value
        if not event.implicit[0]:
            return self._quoted(line, column, text)
        value = meaning(text)
        if not isinstance(value, Doubt):
            return Scalar(line, column, text, value)
        if self._awaits_key():
            return Scalar(line, column, text, text)
        self._faults.add(Place(line, column), value.message, value.help)
        return Scalar(line, column, text, text, faulty=True)

    def _quoted(self, line: int, column: int, text: str) -> Scalar:
        if not _SURROGATE.search(text):
            return Scalar(line, column, text, text)
        help_ = r"write the character itself, or `\U` and eight digits"
        self._faults.add(Place(line, column), "half of a surrogate pair", help_)
        return Scalar(line, column, "", "", faulty=True)

    def _awaits_key(self) -> bool:
        return bool(self._stack) and isinstance(self._stack[-1], Mapping) and self._keys[-1] is None

    def _begin(self, event: Any) -> None:
        if event.anchor is not None or event.tag is not None:
            self._refuse_marks(event)
        mark = event.start_mark
        kind = Mapping if type(event) is yaml.MappingStartEvent else Sequence
        node = kind(self._first_line + mark.line, mark.column + 1)
        if self._awaits_key():
            self._stop(event, "a key that is no word", "a text with brackets or braces needs quotes")
        if len(self._stack) >= limits.NESTING:
            self._stop(event, f"lists and mappings more than {limits.NESTING} deep", "split the rule")
        self._put(node)
        self._stack.append(node)
        self._keys.append(None)

    def _put(self, node: Node) -> None:
        """Put a node where it belongs: a key, what stands behind one, or an entry of a list."""
        self._count += 1
        if self._count > limits.NODES:
            self._faults.add(node, f"more than {limits.NODES:,} values", "split the policy")
            raise _Stop
        if not self._stack:
            self._root = node
            return
        parent = self._stack[-1]
        if type(parent) is Sequence:
            parent.items.append(node)
            return
        assert isinstance(parent, Mapping)
        key = self._keys[-1]
        if key is None:
            assert isinstance(node, Scalar)
            self._keys[-1] = node
            return
        self._keys[-1] = None
        if key.text in parent.entries or key.text == "<<":
            self._refuse(parent, key)
        else:
            parent.entries[key.text] = (key, node)

    def _refuse(self, parent: Mapping, key: Scalar) -> None:
        if key.text == "<<":
            self._faults.add(key, "the merge key `<<`", "write the entries themselves")
            return
        first = parent.entries[key.text][0]
        parent.repeated.add(key.text)
        self._faults.add(key, f"{quoted(key.text)} is there twice", f"the first is in line {first.line}; remove one")
