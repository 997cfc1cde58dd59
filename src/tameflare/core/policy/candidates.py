"""The rules that can match in one place, indexed by what tells them apart, and the verdict on one action there."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import cached_property
from itertools import groupby
from typing import Final, NamedTuple

from tameflare.core.decision import Reason
from tameflare.core.policy import trees, verdicts
from tameflare.core.policy.explain import Explanation, PolicyResult, SeenInWords, errors, fault_of, of_rule, unavailable
from tameflare.core.policy.facts import Facts
from tameflare.core.policy.fields import ABSENT, Reader, Seen
from tameflare.core.policy.index import Entries, indexed
from tameflare.core.policy.model import Total
from tameflare.core.policy.rules import ENVIRONMENT, CompiledPolicy, CompiledRule
from tameflare.core.policy.truth import ERROR, Check
from tameflare.core.policy.verdict import SILENT, PolicyVerdict

_REMEMBERED: Final = 1024


class Chosen(NamedTuple):
    """A rule in a place, and what is left to ask of it there."""

    policy: CompiledPolicy
    rule: CompiledRule
    left: trees.Node


class Candidates:
    """The rules that can match in a place, those of higher priority first.

    `fields` are all that they read, `totals` the running totals among them. `explained` are all of their policies.
    """

    def __init__(self, chosen: Sequence[Chosen], explained: Sequence[Chosen], readers: Mapping[str, Reader]) -> None:
        self._rules = [each.rule for each in chosen]
        self._explained = explained
        self._readers = readers
        self._left = [each.left for each in chosen]
        self._always, self._switches = indexed(self._left)
        self._verdicts: dict[tuple[str | int, ...], PolicyVerdict] = {}

    @cached_property
    def fields(self) -> frozenset[str]:
        return frozenset(leaf.test.field for leaf in self._leaves() if leaf.test.total is None and leaf.test.field)

    @cached_property
    def totals(self) -> tuple[Total, ...]:
        return tuple(dict.fromkeys(leaf.test.total for leaf in self._leaves() if leaf.test.total is not None))

    @cached_property
    def parameters(self) -> frozenset[str]:
        """The names of the parameters that they read, also in totals."""
        fields = {*self.fields, *(total.field for total in self.totals)}
        found = (field.split(".") for field in fields if field.startswith("parameters."))
        return frozenset(names[1] for names in found)

    @cached_property
    def _summing(self) -> list[trees.Node]:
        return [node for node in self._left if any(leaf.test.total is not None for leaf in trees.leaves(node))]

    def counted(self, facts: Facts) -> tuple[Total, ...]:
        """The totals that an action counts for: those beside which, in an `all`, no test is false. `facts` have no
        totals yet."""
        seen = Seen(facts, self._readers)
        return tuple(dict.fromkeys(total for node in self._summing for total in _counted(node, seen)))

    def judge(self, facts: Facts) -> PolicyVerdict:
        """What these rules say of an action in this place. Never raises."""
        seen = Seen(facts, self._readers)
        matched: list[int] = []
        failed: list[int] = []
        _ask(self._always, seen, matched, failed)
        for switch in self._switches:
            value = seen[switch.key]
            if type(value) is str:
                _ask(switch.ready.get(value) or switch.find(value), seen, matched, failed)
            elif value is not ABSENT:
                _ask(switch.all(), seen, matched, failed)
        if failed:
            return self._failed(failed, matched, seen)
        if not matched:
            return SILENT
        known = self._verdicts.get((facts.action.type, *matched))
        return known if known is not None else self._matched(matched, facts.action.type)

    def explain(self, facts: Facts) -> Explanation:
        """The verdict with what every rule came to, of all policies that have a rule here."""
        seen = Seen(facts, self._readers)
        words = SeenInWords(seen)
        told = [
            PolicyResult(name, version, tuple([of_rule(rule, check(seen), words) for rule, check in rules]))
            for name, version, rules in self._by_policy
        ]
        return Explanation(self.judge(facts), tuple(told))

    @cached_property
    def _by_policy(self) -> list[tuple[str, int, list[tuple[CompiledRule, Check]]]]:
        return [
            (policy.config.name, policy.config.version, [(each.rule, each.left.check) for each in chosen])
            for policy, chosen in groupby(self._explained, key=lambda each: each.policy)
        ]

    def _leaves(self) -> Iterable[trees.Leaf]:
        return (leaf for node in self._left for leaf in trees.leaves(node))

    def _matched(self, matched: list[int], action_type: str) -> PolicyVerdict:
        key: tuple[str | int, ...] = (action_type, *matched)
        verdict = verdicts.of_matched([self._rules[number] for number in sorted(matched)], action_type)
        if len(self._verdicts) < _REMEMBERED:
            self._verdicts[key] = verdict
        return verdict

    def _failed(self, failed: list[int], matched: list[int], seen: Seen) -> PolicyVerdict:
        written = self._matched(matched, seen.facts.action.type) if matched else SILENT
        rules = [self._rules[number] for number in sorted(failed)]
        reason, message = _blame(rules, seen)
        return verdicts.of_errors(rules, written, reason, message)


def _counted(node: trees.Node, seen: Seen) -> Iterator[Total]:
    if isinstance(node, trees.Leaf):
        if node.test.total is not None:
            yield node.test.total
    elif isinstance(node, trees.Branch):
        if node.kind == trees.ALL and any(part.check(seen) is False for part in node.parts):
            return
        for part in node.parts:
            yield from _counted(part, seen)


def _ask(entries: Entries, seen: Seen, matched: list[int], failed: list[int]) -> None:
    """Ask each rule until a test of it is false."""
    for first, others, number in entries:
        result = first(seen)
        if result is False:
            continue
        if others is not None:
            if result is True:
                result = others(seen)
            elif others(seen) is False:
                continue
        if result:
            matched.append(number)
        elif result is ERROR:
            failed.append(number)


def _blame(rules: Sequence[CompiledRule], seen: Seen) -> tuple[Reason, str]:
    """Why rules cannot be judged; `total_unavailable` only where nothing else is wrong."""
    found = [(rule, list(errors(rule.written, seen))) for rule in rules]
    unknown = [(rule, leaf) for rule, leaves in found for leaf in leaves if unavailable(leaf, seen)]
    wrong = [(rule, leaf) for rule, leaves in found for leaf in leaves if not unavailable(leaf, seen)]
    lost = [rule for rule, leaves in found if not leaves]
    if lost and not wrong:
        return Reason.ENGINE_ERROR, _lost(lost[0])
    rule, leaf = (wrong or unknown)[0]
    reason = Reason.ENGINE_ERROR if wrong else Reason.TOTAL_UNAVAILABLE
    return reason, f"{verdicts.in_words(rule.label)} cannot be judged: {fault_of(leaf, seen)}"


def _lost(rule: CompiledRule) -> str:
    """For an error in none of the rule's own tests."""
    label = verdicts.in_words(rule.label)
    if rule.written is trees.FAULTY:
        return f"{label} no longer compiles: everything in its scope is denied until it is mended"
    return f"{label} cannot be judged: `{ENVIRONMENT}` is no text"
