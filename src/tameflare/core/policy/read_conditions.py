"""Conditions as they are written: tests put together by `all`, `any` and `not`."""

from __future__ import annotations

from typing import Final

from tameflare.core.policy import limits
from tameflare.core.policy.diagnostics import meant, quoted
from tameflare.core.policy.form import Form, mapping, sequence, text
from tameflare.core.policy.model import ALWAYS, MAX_DEPTH, All, AnyOf, Condition, Not, Operator, Test
from tameflare.core.policy.nodes import Faults, Mapping, Node, Scalar, Sequence
from tameflare.core.policy.read_fields import field_name
from tameflare.core.policy.read_totals import looks_like_total, total_of
from tameflare.core.policy.read_values import Subject, value_of

_COMBINATORS: Final = ("all", "any", "not")
_TEST: Final = ("field", "operator", "value")
_INSTEAD: Final = {"op": "operator", "values": "value", "path": "field", "key": "field", "pattern": "value"}
_INSTEAD_OF_ALL: Final = {"and": "all", "or": "any", "none": "not"}
_OPERATORS: Final = {operator.value: operator for operator in Operator}
_OTHER_OPERATORS: Final = {
    "eq": "equals",
    "is": "equals",
    "==": "equals",
    "=": "equals",
    "ne": "not_equals",
    "neq": "not_equals",
    "!=": "not_equals",
    "gt": "greater_than",
    ">": "greater_than",
    "gte": "greater_than_or_equal",
    ">=": "greater_than_or_equal",
    "lt": "less_than",
    "<": "less_than",
    "lte": "less_than_or_equal",
    "<=": "less_than_or_equal",
    "regex": "matches",
    "like": "glob",
    "one_of": "in",
    "includes": "contains",
    "prefix": "starts_with",
    "suffix": "ends_with",
    "present": "exists",
    "absent": "not_exists",
}
_WITHOUT_VALUE: Final = (Operator.EXISTS, Operator.NOT_EXISTS)
_OF_TOTALS: Final = (
    Operator.EQUALS,
    Operator.NOT_EQUALS,
    Operator.GREATER_THAN,
    Operator.GREATER_THAN_OR_EQUAL,
    Operator.LESS_THAN,
    Operator.LESS_THAN_OR_EQUAL,
    Operator.BETWEEN,
)


class Conditions:
    """Reads the conditions of one policy, rule by rule."""

    def __init__(self, faults: Faults) -> None:
        self._faults = faults
        self._tests = 0
        self._patterns = 0

    def read(self, node: Node) -> Condition:
        """The condition; a list of several means all of them. ALWAYS where it is faulty, which was then told."""
        self._tests = 0
        if isinstance(node, Sequence):
            return All(self._parts(node, "`conditions`", 1))
        return self._condition(node, 1)

    def _condition(self, node: Node, depth: int) -> Condition:
        found = mapping(node, "a condition", self._faults)
        if found is None:
            return ALWAYS
        combinators = [key for key in _COMBINATORS if key in found.entries]
        if not combinators:
            return self._test(found)
        if depth > MAX_DEPTH:
            self._faults.add(node, f"conditions more than {MAX_DEPTH} deep", "split the rule")
            return ALWAYS
        return self._combined(found, combinators[0], depth)

    def _combined(self, found: Mapping, combinator: str, depth: int) -> Condition:
        for key, (place, _) in found.entries.items():
            if key != combinator:
                help_ = "put both into the list of an `all`"
                self._faults.add(place, f"{quoted(key)} stands beside `{combinator}`", help_)
        node = found.entries[combinator][1]
        if combinator == "not":
            return Not(self._condition(node, depth + 1))
        parts = self._parts(node, f"`{combinator}`", depth + 1)
        return All(parts) if combinator == "all" else AnyOf(parts)

    def _parts(self, node: Node, name: str, depth: int) -> tuple[Condition, ...]:
        found = sequence(node, name, limits.TESTS, self._faults)
        return tuple(self._condition(item, depth) for item in found.items) if found else ()

    # --- tests --------------------------------------------------------------------------------------------------------

    def _test(self, found: Mapping) -> Condition:
        self._tests += 1
        if self._tests > limits.TESTS:
            if self._tests == limits.TESTS + 1:
                self._faults.add(found, f"more than {limits.TESTS} tests in a rule", "split the rule")
            return ALWAYS
        if not found.entries:
            self._faults.add(found, "an empty condition", "write `field`, `operator` and `value`, or leave it out")
            return ALWAYS
        torn = self._torn_total(found)
        if torn:
            return ALWAYS
        instead = _INSTEAD_OF_ALL if any(key in _INSTEAD_OF_ALL for key in found.entries) else _INSTEAD
        form = Form(found, "a condition", _TEST, self._faults, instead)
        if instead is _INSTEAD_OF_ALL:
            return ALWAYS
        operator = self._operator(form)
        if operator is None:
            self._subject(form, None)
            return ALWAYS
        return self._compare(form, operator)

    def _torn_total(self, found: Mapping) -> bool:
        """Whether a `total(…)` without quotes was torn at its commas; told at once, and only once."""
        entry = found.entries.get("field")
        if entry is None or not isinstance(entry[1], Scalar) or ")" in entry[1].text:
            return False
        if not looks_like_total(entry[1].text):
            return False
        help_ = 'put it in quotes: `"total(parameters.amount, window: 1d, by: agent)"`'
        self._faults.add(entry[1], "`total(` without its `)`", help_)
        return True

    def _operator(self, form: Form) -> Operator | None:
        node = form.needed("operator", "write one, as `operator: equals`")
        word = "" if node is None else text(node, "`operator`", limits.FIELD, self._faults)
        if not word or node is None:
            return None
        if word not in _OPERATORS:
            better = _OTHER_OPERATORS.get(word.lower())
            help_ = f"did you mean `{better}`?" if better else meant(word, _OPERATORS)
            self._faults.add(node, f"no operator {quoted(word)}", help_)
            return None
        return _OPERATORS[word]

    def _subject(self, form: Form, operator: Operator | None) -> Subject | None:
        """What is compared; None where that is faulty."""
        node = form.node("field")
        if node is None and operator is Operator.TIME_BETWEEN:
            return Subject("time")
        if node is None:
            node = form.needed("field", "write one, as `field: parameters.amount`")
        written = "" if node is None else text(node, "`field`", limits.FIELD, self._faults)
        if not written or node is None:
            return None
        if looks_like_total(written):
            total = total_of(node, written, self._faults)
            return None if total is None else Subject("", total)
        name = field_name(node, written, operator, self._faults)
        return Subject(name) if name else None

    def _compare(self, form: Form, operator: Operator) -> Condition:
        subject = self._subject(form, operator)
        if operator in _WITHOUT_VALUE:
            if form.has("value"):
                self._faults.add(form.key("value"), f"`{operator.value}` takes no `value`", "remove it")
            return self._made(subject, operator, None, form)
        node = form.needed("value", f"say what `{operator.value}` compares with")
        if node is None or (operator is Operator.MATCHES and self._too_many_patterns(node)):
            return ALWAYS
        return self._made(subject, operator, value_of(node, operator, subject, self._faults), form)

    def _too_many_patterns(self, node: Node) -> bool:
        self._patterns += 1
        if self._patterns == limits.PATTERNS + 1:
            self._faults.add(node, f"more than {limits.PATTERNS} expressions", "split the policy")
        return self._patterns > limits.PATTERNS

    def _made(self, subject: Subject | None, operator: Operator, value: object, form: Form) -> Condition:
        if subject is None:
            return ALWAYS
        if subject.total is not None and operator not in _OF_TOTALS:
            help_ = "compare its amount, as with `greater_than`"
            self._faults.add(form.key("operator"), f"`{operator.value}` says nothing of a total", help_)
        return Test(subject.field, operator, value, subject.total, form.place.line)
