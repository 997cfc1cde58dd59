"""The policies of a configuration, compiled: what can match in a place is found without looking at the others."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import tzinfo
from functools import lru_cache
from typing import Final

import msgspec

from tameflare.core.action import Action
from tameflare.core.config import PolicyConfig
from tameflare.core.decision import Verdict
from tameflare.core.errors import InvalidValue
from tameflare.core.policy import trees
from tameflare.core.policy.candidates import Candidates, Chosen
from tameflare.core.policy.conditions.times import time_zone
from tameflare.core.policy.diagnostics import Diagnostic
from tameflare.core.policy.facts import Circumstances, Facts
from tameflare.core.policy.fields import Reader, Seen, reader
from tameflare.core.policy.model import ALWAYS, EVERYTHING, Policy, Rule
from tameflare.core.policy.parse import parse_policy
from tameflare.core.policy.rules import ENVIRONMENT, PLACE, CompiledPolicy, CompiledRule, compile_policy, label
from tameflare.core.policy.scopes import CompiledScope, Cover, Place

_AT_PLACE: Final[dict[str, Reader]] = {field: reader(field, None) for field in PLACE}
_NOW: Final = Circumstances(0.0)
_PLACE: Final = ("gateway", "connector", "agent.name", "agent.environment", "type")
"""The fields of a Place."""
_REMEMBERED_PLACES: Final = 4096
REMEMBERED: Final = 4096
"""Policies that are kept compiled from one configuration to the next."""
_FIRST: Final = -(2**63)
"""The priority of what does not compile: it is told before anything else."""


class Problem(msgspec.Struct, frozen=True):
    """A policy that no longer compiles, and why; its scope is denied."""

    name: str
    version: int
    diagnostics: tuple[Diagnostic, ...]


class PolicySet:
    """All policies of a configuration, whatever their order. `sums` says that one of them compares a running total."""

    __slots__ = (
        "_anywhere",
        "_by_prefix",
        "_by_type",
        "_found",
        "_looked_at",
        "_readers",
        "_shared",
        "policies",
        "problems",
        "sums",
    )

    def __init__(self, policies: Iterable[CompiledPolicy], problems: Sequence[Problem] = ()) -> None:
        self.problems = tuple(problems)
        self.policies = tuple(sorted(policies, key=_order))
        self.sums = any(_compares_a_total(rule) for policy in self.policies for rule in policy.rules)
        self._readers: dict[str, Reader] = {ENVIRONMENT: reader(ENVIRONMENT, None)}  # scopes look there
        self._by_type: dict[str, list[_Numbered]] = {}
        self._by_prefix: dict[str, list[_Numbered]] = {}
        self._anywhere: list[_Numbered] = []
        self._looked_at = {"type"}
        self._found: dict[tuple[str, ...], Candidates | None] = {}
        self._shared: dict[tuple[CompiledRule | trees.Node, ...], Candidates] = {}
        number = 0
        for policy in self.policies:
            self._readers.update(policy.readers)
            self._looked_at.update(policy.scope.looks_at, *(rule.looks_at for rule in policy.rules))
            for rule in policy.rules:
                self._add((number, policy, rule))
                number += 1

    def __len__(self) -> int:
        return len(self.policies)

    def candidates(
        self, gateway: str, connector: str, agent: str, environment: str, action_type: str
    ) -> Candidates | None:
        """The rules that can match there, by names; None where no rule can. Worth keeping as long as this set: they are
        the same for places that no rule tells apart, so that an agent with ever new types fills no memory."""
        place = Place(gateway, connector, agent, environment, action_type)
        key = tuple([part for field, part in zip(_PLACE, place, strict=True) if field in self._looked_at])
        if key in self._found:
            return self._found[key]
        found = self._candidates(place)
        if len(self._found) < _REMEMBERED_PLACES:
            self._found[key] = found
        return found

    def _candidates(self, place: Place) -> Candidates | None:
        reached = self._reached(place.action_type)
        if not reached:
            return None
        gateway, connector, agent, environment, action_type = place
        seen = Seen(Facts(Action(action_type), "", agent, environment, gateway, connector, _NOW), _AT_PLACE)
        covers = {policy: policy.scope.covers(place) for _, policy, _ in reached}
        left = [(policy, rule, policy.left(rule, covers[policy], seen)) for _, policy, rule in reached]
        chosen = [Chosen(*each) for each in left if each[2] is not trees.FALSE]
        if not chosen:
            return None
        key = tuple([part for _, rule, node in left for part in (rule, node)])
        shared = self._shared.get(key)
        if shared is None:
            shared = Candidates(chosen, _with_siblings(chosen, covers, seen), self._readers)
            if len(self._shared) < _REMEMBERED_PLACES:
                self._shared[key] = shared
        return shared

    def _add(self, entry: _Numbered) -> None:
        """Where a rule is found: under the types that it names itself, else those that its policy is about."""
        _, policy, rule = entry
        if rule.types is not None:
            for action_type in rule.types:
                self._by_type.setdefault(action_type, []).append(entry)
            return
        for prefix, whole in policy.scope.prefixes:
            if not prefix:
                self._anywhere.append(entry)
            else:
                (self._by_type if whole else self._by_prefix).setdefault(prefix, []).append(entry)

    def _reached(self, action_type: str) -> list[_Numbered]:
        """The rules whose types may be this one, in order, each once."""
        found = {entry[0]: entry for entry in self._anywhere}
        for entry in self._by_type.get(action_type, ()):
            found[entry[0]] = entry
        for prefix in _prefixes(action_type) if self._by_prefix else ():
            for entry in self._by_prefix.get(prefix, ()):
                found[entry[0]] = entry
        return [found[number] for number in sorted(found)]


def _compares_a_total(rule: CompiledRule) -> bool:
    return any(leaf.test.total is not None for leaf in trees.leaves(rule.written))


_Numbered = tuple[int, CompiledPolicy, CompiledRule]


def compile_set(policies: Iterable[PolicyConfig], timezone: str) -> PolicySet:
    """Compile what is in force; `timezone` is the installation's. What does not compile denies its scope."""
    compiled: list[CompiledPolicy] = []
    problems: list[Problem] = []
    for config in policies:
        found, problem = _read(config, timezone)
        compiled += found
        problems += problem
    return PolicySet(compiled, problems)


@lru_cache(REMEMBERED)
def _read(config: PolicyConfig, timezone: str) -> tuple[tuple[CompiledPolicy, ...], tuple[Problem, ...]]:
    """One policy from its source, none where that switches it off. Remembered, since a new configuration seldom changes
    more than one of many."""
    compiled: list[CompiledPolicy] = []
    problems: list[Problem] = []
    parsed = parse_policy(config.source)
    if parsed.policy is None:
        _refuse(config, parsed.diagnostics, compiled, problems)
    else:
        _compile(config, parsed.policy, _zone(timezone), compiled, problems)
    return tuple(compiled), tuple(problems)


def compile_policies(policies: Iterable[tuple[PolicyConfig, Policy]], timezone: str = "UTC") -> PolicySet:
    """The same of policies that were read already; the source of each is not looked at."""
    zone = _zone(timezone)
    compiled: list[CompiledPolicy] = []
    problems: list[Problem] = []
    for config, policy in policies:
        _compile(config, policy, zone, compiled, problems)
    return PolicySet(compiled, problems)


def _compile(
    config: PolicyConfig,
    policy: Policy,
    zone: tzinfo | None,
    compiled: list[CompiledPolicy],
    problems: list[Problem],
) -> None:
    if not policy.enabled:
        return
    try:
        compiled.append(compile_policy(config, policy, zone))
    except InvalidValue as fault:
        line = fault.line if isinstance(fault, trees.Meaningless) else 1
        _refuse(config, (Diagnostic(line, 1, fault.message, fault.help),), compiled, problems)


def _refuse(
    config: PolicyConfig,
    diagnostics: tuple[Diagnostic, ...],
    compiled: list[CompiledPolicy],
    problems: list[Problem],
) -> None:
    """Deny the scope that was stored, or everything where it too is unreadable."""
    try:
        scope = CompiledScope(EVERYTHING if config.scope is None else config.scope)
    except InvalidValue:
        scope = CompiledScope(EVERYTHING)
    rule = CompiledRule(label(config), Rule("", ALWAYS, Verdict.DENY), trees.FAULTY)
    compiled.append(CompiledPolicy(config, _FIRST, scope, [rule], {}))
    problems.append(Problem(config.name, config.version, diagnostics))


def _zone(timezone: str) -> tzinfo | None:
    """None for a name that no zone has here: whatever reads the time is then an error."""
    try:
        return time_zone(timezone)
    except InvalidValue:
        return None


def _with_siblings(chosen: Sequence[Chosen], covers: dict[CompiledPolicy, Cover], place: Seen) -> list[Chosen]:
    """The chosen rules with the others of their policies, for explanations."""
    policies = dict.fromkeys(each.policy for each in chosen)
    return [
        Chosen(policy, rule, policy.left(rule, covers[policy], place)) for policy in policies for rule in policy.rules
    ]


def _order(policy: CompiledPolicy) -> tuple[int, str, int, str]:
    return policy.priority, policy.config.name, policy.config.version, policy.config.id


def _prefixes(action_type: str) -> Iterable[str]:
    """What a type begins with, in whole segments, but for all of it."""
    end = action_type.find(".")
    while end >= 0:
        yield action_type[:end]
        end = action_type.find(".", end + 1)


EMPTY: Final = PolicySet(())
