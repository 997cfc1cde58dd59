"""One policy, compiled: its scope and its rules, each of which knows what is left of it in a place."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import tzinfo
from typing import Final

from tameflare.core import totals
from tameflare.core.config import PolicyConfig
from tameflare.core.decision import Verdict
from tameflare.core.policy import trees
from tameflare.core.policy.conditions.equality import is_in
from tameflare.core.policy.fields import ABSENT, NO_FACTS, Reader, Seen
from tameflare.core.policy.model import Operator, Policy, Rule, Test
from tameflare.core.policy.scopes import CompiledScope, Cover
from tameflare.core.policy.truth import Truth

ENVIRONMENT: Final = "resource.environment"
PLACE: Final = frozenset({"type", "gateway", "connector", "agent.name", "agent.environment"})
"""The fields that are known before an action is: those of a place."""
_HINTS: Final = "risk_hints."


class _Unsaid(dict[str, Reader]):
    """Reads every field as one that is not there."""

    def __missing__(self, key: str) -> Reader:
        return lambda _: ABSENT


_UNSAID: Final = _Unsaid()


class CompiledRule:
    """`label` names it in decisions. `written` is its condition, `judged` what is asked: see `_only_raised`."""

    __slots__ = ("_by_place", "_left", "judged", "label", "rule", "written")

    def __init__(self, label: str, rule: Rule, written: trees.Node) -> None:
        self.label = label
        self.rule = rule
        self.written = written
        self.judged = _only_raised(rule, written)
        self._by_place = tuple(dict.fromkeys(leaf for leaf in trees.leaves(self.judged) if leaf.key in PLACE))
        self._left: dict[tuple[Truth, ...], trees.Node] = {}

    def at(self, place: Seen) -> trees.Node:
        """What is left to ask in a place; what a place leaves is worked out once."""
        answers = tuple(leaf.check(place) for leaf in self._by_place)
        left = self._left.get(answers)
        if left is None:
            left = self._left[answers] = trees.fold(self.judged, dict(zip(self._by_place, answers, strict=True)))
        return left

    @property
    def looks_at(self) -> Iterable[str]:
        """The fields of a place that it reads."""
        return (leaf.key for leaf in self._by_place)

    @property
    def types(self) -> Sequence[str] | None:
        """The only types that it can match, where a test says so; None: any."""
        for part in trees.conjuncts(self.written):
            if isinstance(part, trees.Leaf) and part.key == "type" and part.texts:
                return part.texts
        return None


class CompiledPolicy:
    """`rules` of one that does not compile: a single one that is always an error. `readers` know its fields.

    `elsewhere`: what else must be true where only the action's own words bring it into scope.
    """

    __slots__ = ("_elsewhere_left", "config", "elsewhere", "priority", "readers", "rules", "scope")

    def __init__(
        self,
        config: PolicyConfig,
        priority: int,
        scope: CompiledScope,
        rules: Sequence[CompiledRule],
        readers: dict[str, Reader],
    ) -> None:
        self.config = config
        self.priority = priority
        self.scope = scope
        self.rules = tuple(rules)
        self.readers = readers
        self._elsewhere_left: dict[trees.Node, trees.Node] = {}
        named = tuple(sorted(scope.environments))
        self.elsewhere = trees.Leaf(Test(ENVIRONMENT, Operator.IN, named), ENVIRONMENT, is_in(ENVIRONMENT, named))

    def left(self, rule: CompiledRule, cover: Cover, place: Seen) -> trees.Node:
        """What is left to ask of a rule in a place that the scope covers.

        An action's own word about its environment can only make more of it forbidden: an `allow` doesn't count by it.
        """
        if cover is Cover.YES:
            return rule.at(place)
        if cover is Cover.NO or rule.rule.decision is Verdict.ALLOW:
            return trees.FALSE
        plain = rule.at(place)
        left = self._elsewhere_left.get(plain)
        if left is None:
            left = self._elsewhere_left[plain] = trees.both((self.elsewhere, plain))
        return left


def compile_policy(config: PolicyConfig, policy: Policy, zone: tzinfo | None) -> CompiledPolicy:
    """Raises InvalidValue where the engine cannot do what the policy says."""
    readers: dict[str, Reader] = {}
    rules = [
        CompiledRule(f"{label(config)}:{rule.name}", rule, _grown(config, rule, zone, readers)) for rule in policy.rules
    ]
    return CompiledPolicy(config, policy.priority, CompiledScope(policy.scope), rules, readers)


def _grown(config: PolicyConfig, rule: Rule, zone: tzinfo | None, readers: dict[str, Reader]) -> trees.Node:
    return trees.grow(totals.owned(rule.condition, f"{config.name}:{rule.name}"), zone, readers)


def label(config: PolicyConfig) -> str:
    return f"policy:{config.name}@{config.version}"


def _only_raised(rule: Rule, written: trees.Node) -> trees.Node:
    """What an agent says of itself only ever makes a rule stricter: one that forbids or asks holds too where it holds
    without the hints, one that allows must hold without them as well."""
    nothing = Seen(NO_FACTS, _UNSAID)
    hints = {leaf: leaf.check(nothing) for leaf in trees.leaves(written) if leaf.key.startswith(_HINTS)}
    plain = trees.fold(written, {})
    if not hints:
        return plain
    join = trees.both if rule.decision is Verdict.ALLOW else trees.either
    return join((plain, trees.fold(written, hints)))
